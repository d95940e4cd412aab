//! One certificate authority per run, and the certificate that Envoy shows to people.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The files of a run's PKI.
#[derive(Debug, Clone)]
pub struct Pki {
    /// The authority's certificate, PEM.
    pub ca: PathBuf,
    /// The server certificate, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

impl Pki {
    /// Makes an authority and a server certificate for `hosts` (names and addresses) in `dir`.
    pub fn create(dir: &Path, hosts: &[&str]) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.distinguished_name = named("Kubegate demo authority (this machine only)");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let authority_cert = authority.self_signed(&authority_key)?;
        let issuer = Issuer::from_params(&authority, &authority_key);

        let names: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name = named("Kubegate demo");
        let server_key = KeyPair::generate()?;
        let server_cert = server.signed_by(&server_key, &issuer)?;

        let pki = Self { ca: dir.join("ca.crt"), cert: dir.join("tls.crt"), key: dir.join("tls.key") };
        fs::write(&pki.ca, authority_cert.pem())?;
        fs::write(&pki.cert, server_cert.pem())?;
        crate::files::write_private(&pki.key, server_key.serialize_pem().as_bytes())?;
        Ok(pki)
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
