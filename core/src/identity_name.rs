//! Which user and group names may be handed to an API server.
//!
//! They travel as HTTP header values, and several proxies join repeated headers with commas, so a group named
//! `a,system:masters` could become two (kubernetes#94683). Names are therefore visible ASCII, spaces only inside, and
//! never contain a comma.

/// The longest user or group name, in bytes.
pub const MAX_LENGTH: usize = 512;

/// Names that begin like this are Kubernetes' own.
pub const RESERVED_PREFIX: &str = "system:";

/// Why a name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The name is empty.
    #[error("is empty")]
    Empty,
    /// The name is longer than [`MAX_LENGTH`].
    #[error("is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// The name has a comma.
    #[error("has a comma")]
    Comma,
    /// The name has a control or non-ASCII character.
    #[error("has a control or non-ASCII character")]
    Character,
    /// The name begins or ends with a space, which HTTP would take away.
    #[error("begins or ends with a space")]
    Space,
}

/// Checks a user or group name.
///
/// # Errors
/// Says what is wrong with it.
pub fn check(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > MAX_LENGTH {
        return Err(InvalidName::TooLong);
    }
    if name.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
        return Err(InvalidName::Character);
    }
    if name.contains(',') {
        return Err(InvalidName::Comma);
    }
    if name.starts_with(' ') || name.ends_with(' ') {
        return Err(InvalidName::Space);
    }
    Ok(())
}

/// Whether a name is one of Kubernetes' own (`system:`…).
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names() {
        assert_eq!(check("alice@example.com"), Ok(()));
        assert_eq!(check("Domain Admins"), Ok(()));
        assert_eq!(check(""), Err(InvalidName::Empty));
        assert_eq!(check("a,system:masters"), Err(InvalidName::Comma));
        assert_eq!(check("a\nb"), Err(InvalidName::Character));
        assert_eq!(check("jürgen"), Err(InvalidName::Character));
        assert_eq!(check(" a"), Err(InvalidName::Space));
        assert_eq!(check(&"x".repeat(513)), Err(InvalidName::TooLong));
    }
}
