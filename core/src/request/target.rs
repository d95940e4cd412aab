//! A request target that client, Envoy, filter and API server read the same way.

use std::borrow::Cow;

/// The longest target, in bytes.
pub const MAX_TARGET: usize = 16 * 1024;

/// A request target in origin form (RFC 9112 section 3.2.1): a decoded path and a raw query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    path: Cow<'a, str>,
    query: &'a str,
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// It is longer than [`MAX_TARGET`].
    #[error("the URL is longer than {MAX_TARGET} bytes")]
    TooLong,
    /// It has a character that does not belong into a URL.
    #[error("the URL has a character that must be percent-encoded")]
    Character,
    /// A percent sign is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    #[error("the path has an invalid percent-encoding")]
    Escape,
    /// It has a percent-encoded slash, backslash, percent sign or control character.
    #[error("the path has an encoded slash, backslash, percent sign or control character")]
    EncodedDelimiter,
    /// It has an empty segment.
    #[error("the path has an empty segment (two slashes in a row)")]
    EmptySegment,
    /// It has a segment `.` or `..`.
    #[error("the path has a segment of dots")]
    DotSegment,
    /// It has a semicolon, which some servers take for the start of parameters.
    #[error("the path has a semicolon")]
    Semicolon,
}

impl<'a> Target<'a> {
    /// Parses a target such as `/api/v1/pods?watch=1`.
    ///
    /// # Errors
    /// When two readers could understand the path differently.
    pub fn parse(target: &'a str) -> Result<Self, InvalidTarget> {
        if target.len() > MAX_TARGET {
            return Err(InvalidTarget::TooLong);
        }
        if target.bytes().any(|byte| !(b'!'..=b'~').contains(&byte) || matches!(byte, b'#' | b'\\')) {
            return Err(InvalidTarget::Character);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if !path.starts_with('/') {
            return Err(InvalidTarget::NotAbsolute);
        }
        if path.contains("//") {
            return Err(InvalidTarget::EmptySegment);
        }
        let path = decode(path)?;
        if path.contains(';') {
            return Err(InvalidTarget::Semicolon);
        }
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(InvalidTarget::DotSegment);
        }
        Ok(Self { path, query })
    }

    /// The decoded path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, as sent.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.query
    }
}

fn decode(path: &str) -> Result<Cow<'_, str>, InvalidTarget> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let decoded = escape(&mut rest).ok_or(InvalidTarget::Escape)?;
        if matches!(decoded, b'/' | b'\\' | b'%' | 0..=0x1f | 0x7f) {
            return Err(InvalidTarget::EncodedDelimiter);
        }
        bytes.push(decoded);
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| InvalidTarget::Escape)
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn escape(digits: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let high = char::from(digits.next()?).to_digit(16)?;
    let low = char::from(digits.next()?).to_digit(16)?;
    u8::try_from((high << 4) | low).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn ambiguous_targets_are_refused() {
        for (target, expected) in [
            ("", InvalidTarget::NotAbsolute),
            ("*", InvalidTarget::NotAbsolute),
            ("http://x/api", InvalidTarget::NotAbsolute),
            ("/api//v1", InvalidTarget::EmptySegment),
            ("//api", InvalidTarget::EmptySegment),
            ("/api/v1//", InvalidTarget::EmptySegment),
            ("/api/../v1", InvalidTarget::DotSegment),
            ("/api/%2e%2E/v1", InvalidTarget::DotSegment),
            ("/api/.", InvalidTarget::DotSegment),
            ("/api%2fv1", InvalidTarget::EncodedDelimiter),
            ("/api%252fv1", InvalidTarget::EncodedDelimiter),
            ("/api%5Cv1", InvalidTarget::EncodedDelimiter),
            ("/api/%00", InvalidTarget::EncodedDelimiter),
            ("/api/%", InvalidTarget::Escape),
            ("/api/%zz", InvalidTarget::Escape),
            ("/api/%ff", InvalidTarget::Escape),
            ("/api/%c0%af", InvalidTarget::Escape),
            ("/api;x=1/v1", InvalidTarget::Semicolon),
            ("/api/%3b", InvalidTarget::Semicolon),
            ("/api\\v1", InvalidTarget::Character),
            ("/api/v1#x", InvalidTarget::Character),
            ("/api/ü", InvalidTarget::Character),
            ("/api v1", InvalidTarget::Character),
        ] {
            assert_eq!(Target::parse(target), Err(expected), "{target}");
        }
        assert_eq!(Target::parse(&format!("/{}", "a".repeat(MAX_TARGET))), Err(InvalidTarget::TooLong));
    }

    #[test]
    fn plain_targets_are_read() {
        let target = Target::parse("/a/b%3Ac/?x=%2F;").unwrap();
        assert_eq!((target.path(), target.query()), ("/a/b:c/", "x=%2F;"));
        assert_eq!(Target::parse("/").unwrap().path(), "/");
    }
}
