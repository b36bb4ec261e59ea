//! What is compiled for tests only.

/// Whether something is a test, or there for tests only.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    let of = |a: &syn::Attribute| match &a.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let text = list.tokens.to_string();
            text == "test" || text.starts_with("all (test") || text.starts_with("all(test")
        }
        other => other.path().is_ident("test"),
    };
    attributes.iter().any(of)
}
