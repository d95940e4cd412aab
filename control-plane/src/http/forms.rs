//! Proof that a form, or a link, is from our own page: a keyed hash of the browser's cookie and of
//! what is asked. Another site can neither read nor make it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::secret::Secret;
use subtle::ConstantTimeEq;

use crate::seal::{Sealer, keyed_hash};

/// Makes and checks the proofs.
#[derive(Clone)]
pub(crate) struct Forms([u8; 32]);

impl Forms {
    /// With a key of its own, derived from the operator's.
    pub(crate) fn new(sealer: &Sealer) -> Self {
        Self(sealer.derive("kubegate forms v1"))
    }

    /// The proof that `browser` was shown a form for `purpose`.
    pub(crate) fn proof(&self, browser: &Secret, purpose: &[&str]) -> String {
        let parts: Vec<&[u8]> =
            std::iter::once(browser.expose()).chain(purpose.iter().copied()).map(str::as_bytes).collect();
        URL_SAFE_NO_PAD.encode(keyed_hash(&self.0, &parts))
    }

    /// Whether `proof` is that proof.
    pub(crate) fn proves(&self, proof: &str, browser: Option<&Secret>, purpose: &[&str]) -> bool {
        browser.is_some_and(|browser| self.proof(browser, purpose).as_bytes().ct_eq(proof.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_one_browser_and_one_purpose() {
        let forms = Forms::new(&Sealer::new(&[1; 32]));
        let (alice, mallory) = (Secret::from("a"), Secret::from("m"));
        let proof = forms.proof(&alice, &["login"]);
        assert!(forms.proves(&proof, Some(&alice), &["login"]));
        assert!(!forms.proves(&proof, Some(&mallory), &["login"]));
        assert!(!forms.proves(&proof, Some(&alice), &["logout"]));
        assert!(!forms.proves(&proof, None, &["login"]));
        assert!(!forms.proves("", Some(&alice), &["login"]));
    }
}
