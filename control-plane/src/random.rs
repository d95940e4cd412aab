//! Randomness from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct RandomError(getrandom::Error);

/// `N` random bytes.
///
/// # Errors
/// When the operating system has none to give.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer).map_err(RandomError)?;
    Ok(buffer)
}

/// `prefix` and 32 random bytes in base64url: 43 characters.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn secret(prefix: &str) -> Result<String, RandomError> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<32>()?)))
}

/// `prefix` and 16 random bytes in base64url: 22 characters, for ids that need not be secret.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn id(prefix: &str) -> Result<String, RandomError> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<16>()?)))
}
