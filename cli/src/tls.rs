//! Whom a TLS connection trusts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How the identity of the other side is checked.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// The machine's certificate authorities, and those of a file.
    System {
        /// PEM file given with `--certificate-authority`.
        extra: Option<PathBuf>,
    },
    /// Only these, as PEM: what a kubeconfig's `certificate-authority-data` means.
    Only(Vec<u8>),
    /// Nobody is checked: `--insecure-skip-tls-verify`.
    Insecure,
}

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The file of `--certificate-authority` cannot be read.
    #[error("cannot read the certificate authority file {}. Check --certificate-authority", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No certificate in what should hold some.
    #[error("no PEM certificate in {origin}. It must hold at least one \"BEGIN CERTIFICATE\" block")]
    NoCertificate {
        /// Where they were looked for.
        origin: String,
    },
}

impl Trust {
    /// The TLS configuration that follows this trust.
    pub(crate) fn config(&self) -> Result<TlsConfig, TlsError> {
        let builder = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        Ok(match self {
            Self::Insecure => builder.disable_verification(true).build(),
            Self::Only(pem) => {
                let roots = certificates(pem, || "the cluster's certificate authority data".to_owned())?;
                builder.root_certs(RootCerts::from(roots)).build()
            }
            Self::System { extra } => {
                let mut roots = system_roots();
                if let Some(path) = extra {
                    roots.extend(certificates_of(path)?);
                }
                builder.root_certs(RootCerts::from(roots)).build()
            }
        })
    }
}

fn system_roots() -> Vec<Certificate<'static>> {
    rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
}

fn certificates_of(path: &Path) -> Result<Vec<Certificate<'static>>, TlsError> {
    let pem = fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })?;
    certificates(&pem, || path.display().to_string())
}

fn certificates(pem: &[u8], origin: impl FnOnce() -> String) -> Result<Vec<Certificate<'static>>, TlsError> {
    let found: Vec<_> = parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(TlsError::NoCertificate { origin: origin() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_holds_no_certificate() {
        let error = Trust::Only(b"nothing".to_vec()).config().unwrap_err();
        assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
    }
}
