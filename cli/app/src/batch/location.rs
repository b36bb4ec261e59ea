//! Where a manifest's recordings lie on this machine.

use std::path::{Component, Path, PathBuf};

/// The file that `uri` names: a path relative to `base`, a `file://` URI, or `s3://bucket/key` as `bucket/key` below
/// `s3_root`.
///
/// # Errors
/// One line that says what is wrong with it.
pub fn resolve(uri: &str, base: &Path, s3_root: Option<&Path>) -> Result<PathBuf, String> {
    let shown = || uri.escape_debug().take(200).collect::<String>();
    if uri.is_empty() {
        return Err("S3Uri is empty: name a recording".into());
    }
    if let Some(rest) = uri.strip_prefix("s3://") {
        let root = s3_root.ok_or_else(|| format!("{} is in S3: give --s3-root with a copy of the bucket", shown()))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let below = Path::new(bucket).join(key.trim_start_matches('/'));
        let plain = below.components().all(|c| matches!(c, Component::Normal(_)));
        if bucket.is_empty() || key.is_empty() || !plain {
            return Err(format!("{} is not s3://bucket/key", shown()));
        }
        return Ok(root.join(below));
    }
    if uri.starts_with("file:") {
        let path = url::Url::parse(uri).ok().and_then(|u| u.to_file_path().ok());
        return path.ok_or_else(|| format!("{} is not a file URI of this machine: write file:///path", shown()));
    }
    match uri.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Err(format!("{} cannot be fetched: use a path, file:// or s3:// with --s3-root", shown()))
        }
        _ => Ok(base.join(uri)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_files_and_buckets() {
        let at = |uri: &str| resolve(uri, Path::new("/m"), Some(Path::new("/s3"))).map(|p| p.display().to_string());
        let good = [
            ("a/b.wav", "/m/a/b.wav"),
            ("/a b.wav", "/a b.wav"),
            ("100%25.wav", "/m/100%25.wav"),
            ("file:///a%20b/%C3%A9.wav", "/a b/é.wav"),
            ("file://localhost/a.wav", "/a.wav"),
            ("s3://bucket/a/é%20.wav", "/s3/bucket/a/é%20.wav"),
        ];
        for (uri, want) in good {
            assert_eq!(at(uri).as_deref(), Ok(want), "{uri}");
        }
        let bad = [
            "",
            "s3://",
            "s3://bucket",
            "s3:///key",
            "s3://b/../../etc",
            "s3://../x",
            "http://h/a.wav",
            "file://host/a",
        ];
        for uri in bad {
            let error = at(uri).unwrap_err();
            assert!(!error.contains('\n'), "{uri}: {error}");
        }
        assert!(resolve("s3://b/k", Path::new("/m"), None).unwrap_err().contains("--s3-root"));
    }
}
