//! Which file of a crate takes which names from which other file, read from its sources.
//!
//! A name is followed to the file that defines it: through `use`, through what a module passes on (`pub use`), and where it is written out as a
//! path. To declare a module, or to pass a name on, takes nothing. Tests, and what macros make, are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use crate::attributes::is_test;

/// A module, by the names that lead to it from the crate's root.
type Name = Vec<String>;

/// What a crate's sources say.
pub(crate) struct Files {
    /// The files, from the crate's folder.
    pub(crate) names: Vec<String>,
    /// Whose file takes names from whose, and which.
    pub(crate) arrows: BTreeMap<(usize, usize), BTreeSet<String>>,
    /// Each file's paths and macros (`println!`), in full where they come from outside.
    pub(crate) mentions: Vec<BTreeSet<String>>,
}

#[derive(Default)]
struct Module {
    file: usize,
    /// What is defined here.
    items: BTreeSet<String>,
    /// What is called by another name here, or passed on: `use a::b as c`.
    aliases: BTreeMap<String, Name>,
    /// `use a::*`.
    globs: Vec<Name>,
    /// Every path that is written here.
    paths: Vec<Name>,
}

struct Reader<'a> {
    modules: &'a mut BTreeMap<Name, Module>,
    files: &'a mut Vec<PathBuf>,
    at: Name,
    file: usize,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        let file = self.file;
        self.modules.entry(self.at.clone()).or_insert_with(|| Module { file, ..Module::default() })
    }

    /// `pub use` passes a name on; any other `use` takes it.
    fn import(&mut self, tree: &syn::UseTree, before: &Name, passes_on: bool) {
        let with = |name: &syn::Ident| [before.as_slice(), &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(p) => self.import(&p.tree, &with(&p.ident), passes_on),
            syn::UseTree::Group(g) => g.items.iter().for_each(|t| self.import(t, before, passes_on)),
            syn::UseTree::Glob(_) => {
                self.module().globs.push(before.clone());
                if !passes_on {
                    self.module().paths.push([before.as_slice(), &["*".to_owned()]].concat());
                }
            }
            syn::UseTree::Name(_) | syn::UseTree::Rename(_) => {
                let (from, to) = match tree {
                    syn::UseTree::Name(n) => (&n.ident, &n.ident),
                    syn::UseTree::Rename(r) => (&r.ident, &r.rename),
                    _ => return,
                };
                let target = if from == "self" { before.clone() } else { with(from) };
                let name = if to == "self" { before.last().cloned().unwrap_or_default() } else { to.to_string() };
                self.module().aliases.insert(name, target.clone());
                if !passes_on {
                    self.module().paths.push(target);
                }
            }
        }
    }

    /// The paths in what a macro is given.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Name = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.keep(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(p) if p.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Group(group) => {
                    self.keep(std::mem::take(&mut path));
                    colons = 0;
                    self.tokens(group.stream());
                }
                _ => {
                    self.keep(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.keep(path);
    }

    fn keep(&mut self, path: Name) {
        if !path.is_empty() {
            self.module().paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Const(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Enum(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Fn(i) => (&i.attrs, Some(&i.sig.ident)),
            syn::Item::Macro(i) => (&i.attrs, i.ident.as_ref()),
            syn::Item::Static(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Struct(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Trait(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Type(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Union(i) => (&i.attrs, Some(&i.ident)),
            syn::Item::Impl(i) => (&i.attrs, None),
            syn::Item::Mod(i) => (&i.attrs, None),
            syn::Item::Use(i) => (&i.attrs, None),
            _ => return syn::visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name {
            self.module().items.insert(name.to_string());
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let passes_on = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, &Vec::new(), passes_on);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.at.push(item.ident.to_string());
        match &item.content {
            Some((_, items)) => {
                self.module();
                items.iter().for_each(|i| self.visit_item(i));
            }
            None => read_module(self.modules, self.files, &self.at, self.file),
        }
        self.at.pop();
    }

    /// `pub(in a::b)` takes nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    /// Derives and the like are not ours.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.keep(path.segments.iter().map(|s| s.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let mut name: Name = called.path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.keep(name.clone());
        if let Some(last) = name.last_mut() {
            last.push('!');
        }
        self.keep(name);
        self.tokens(called.tokens.clone());
    }
}

/// Reads the module of a name, declared in the file `parent`.
fn read_module(modules: &mut BTreeMap<Name, Module>, files: &mut Vec<PathBuf>, at: &Name, parent: usize) {
    let Some(name) = at.last() else { return };
    let above = &files[parent];
    let folder = match above.file_name().and_then(|n| n.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => above.parent().map_or_else(PathBuf::new, Path::to_owned),
        _ => above.with_extension(""),
    };
    let places = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
    let file = places.iter().find(|p| p.is_file());
    let file = file.unwrap_or_else(|| panic!("{}: no file for mod {name}", above.display())).clone();
    read_file(modules, files, file, at.clone());
}

fn read_file(modules: &mut BTreeMap<Name, Module>, files: &mut Vec<PathBuf>, path: PathBuf, at: Name) {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = files.len();
    files.push(path);
    let mut reader = Reader { modules, files, at, file };
    reader.module();
    parsed.items.iter().for_each(|i| reader.visit_item(i));
}

/// Where a name leads.
enum Found {
    Module(Name),
    /// An item, in this file.
    Item(usize),
}

struct Crate {
    modules: BTreeMap<Name, Module>,
}

impl Crate {
    fn member(&self, at: &Name, name: &str, depth: usize) -> Option<Found> {
        if depth > 16 {
            return None;
        }
        let module = self.modules.get(at)?;
        let child = [at.as_slice(), &[name.to_owned()]].concat();
        if self.modules.contains_key(&child) {
            return Some(Found::Module(child));
        }
        if module.items.contains(name) {
            return Some(Found::Item(module.file));
        }
        if let Some(target) = module.aliases.get(name) {
            return if target.first().is_some_and(|f| f == name) && target.len() == 1 {
                None
            } else {
                self.find(at, target, depth + 1)
            };
        }
        module.globs.iter().find_map(|glob| match self.find(at, glob, depth + 1)? {
            Found::Module(m) if m != *at => self.member(&m, name, depth + 1),
            _ => None,
        })
    }

    /// Follows a path that is written in the module `at`; `None` where it leads out of the crate.
    fn find(&self, at: &Name, path: &[String], depth: usize) -> Option<Found> {
        let mut rest = path.iter();
        let mut here = match rest.next()?.as_str() {
            "crate" => Found::Module(Vec::new()),
            "self" => Found::Module(at.clone()),
            "super" => Found::Module(at.get(..at.len().checked_sub(1)?)?.to_vec()),
            first => self.member(at, first, depth)?,
        };
        for name in rest {
            let Found::Module(module) = &here else { break };
            if name == "super" {
                here = Found::Module(module.get(..module.len().checked_sub(1)?)?.to_vec());
                continue;
            }
            match self.member(module, name, depth) {
                Some(found) => here = found,
                // What a macro makes, and `*`, is in the module's own file.
                None => return self.modules.get(module).map(|m| Found::Item(m.file)),
            }
        }
        Some(here)
    }
}

impl Files {
    /// Reads a crate from its root file; names are told from `folder`.
    pub(crate) fn read(folder: &Path, root: &Path) -> Self {
        let (mut modules, mut files) = (BTreeMap::new(), Vec::new());
        read_file(&mut modules, &mut files, root.to_owned(), Vec::new());
        let all = Crate { modules };
        let mut arrows: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
        let mut mentions = vec![BTreeSet::new(); files.len()];
        for (at, module) in &all.modules {
            for path in &module.paths {
                match all.find(at, path, 0) {
                    Some(Found::Item(file)) if file != module.file => {
                        arrows.entry((module.file, file)).or_default().insert(path.last().cloned().unwrap_or_default());
                    }
                    Some(_) => {}
                    None => drop(mentions[module.file].insert(all.outside(at, path).join("::"))),
                }
            }
        }
        let name = |p: &PathBuf| p.strip_prefix(folder).unwrap_or(p).display().to_string();
        Self { names: files.iter().map(name).collect(), arrows, mentions }
    }

    /// Files that take names from each other, all round: in order of their names.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let count = self.names.len();
        let mut reaches = vec![vec![false; count]; count];
        self.arrows.keys().for_each(|&(from, to)| reaches[from][to] = true);
        for via in 0..count {
            let beyond = reaches[via].clone();
            for row in reaches.iter_mut().filter(|row| row[via]) {
                row.iter_mut().zip(&beyond).for_each(|(to, &reached)| *to |= reached);
            }
        }
        let mut circles: Vec<Vec<String>> = Vec::new();
        let mut done = vec![false; count];
        for from in 0..count {
            if done[from] || !reaches[from][from] {
                continue;
            }
            let round: Vec<usize> = (0..count).filter(|&to| reaches[from][to] && reaches[to][from]).collect();
            round.iter().for_each(|&f| done[f] = true);
            let mut names: Vec<String> = round.into_iter().map(|f| self.names[f].clone()).collect();
            names.sort();
            circles.push(names);
        }
        circles.sort();
        circles
    }
}

impl Crate {
    /// A path that leads out of the crate, with what its first name stands for.
    fn outside(&self, at: &Name, path: &[String]) -> Name {
        let alias = path.first().and_then(|first| self.modules.get(at)?.aliases.get(first));
        match alias {
            Some(target) if target.as_slice() != path => [target.as_slice(), &path[1..]].concat(),
            _ => path.to_vec(),
        }
    }
}
