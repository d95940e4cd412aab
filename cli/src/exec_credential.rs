//! kubectl's credential plugin protocol (`client.authentication.k8s.io`): what kubectl asks for in
//! `KUBERNETES_EXEC_INFO`, and the `ExecCredential` that answers it on stdout.

use serde::{Deserialize, Serialize};

use crate::cache::CachedToken;
use crate::output::printable;

/// The variable that kubectl sets.
pub(crate) const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// kubectl's question is never longer, even with a long list of authorities in it.
const MAX_EXEC_INFO: usize = 512 * 1024;

/// The versions of the protocol that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    /// Since Kubernetes 1.22.
    V1,
    /// Kubernetes 1.11 to 1.24 and whoever never moved on.
    V1Beta1,
}

/// What kubectl asks for.
#[derive(Debug)]
pub(crate) struct ExecInfo {
    /// The version to answer in.
    pub(crate) version: ApiVersion,
    /// Whether kubectl shares its terminal; `None` when it did not say.
    pub(crate) interactive: Option<bool>,
    /// The cluster that the credential is for, with `provideClusterInfo: true`.
    pub(crate) cluster: Option<ExecCluster>,
}

/// The cluster as the kubeconfig has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ExecCluster {
    /// Its URL.
    pub(crate) server: String,
    /// The name to expect in its certificate, when it is not the URL's.
    #[serde(default)]
    pub(crate) tls_server_name: Option<String>,
    /// Whether its certificate goes unchecked.
    #[serde(default)]
    pub(crate) insecure_skip_tls_verify: bool,
    /// Whom to trust there: base64 of PEM.
    #[serde(default)]
    pub(crate) certificate_authority_data: Option<String>,
    /// The proxy on the way.
    #[serde(default)]
    pub(crate) proxy_url: Option<String>,
}

/// What kubectl asked cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecInfoError {
    /// Longer than any kubectl's.
    #[error("{EXEC_INFO} is {length} bytes long; more than {MAX_EXEC_INFO} are not read. Look what set it")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// Not the JSON it should be.
    #[error("{EXEC_INFO} is not an ExecCredential in JSON. It is for kubectl to set; look what else did")]
    Malformed {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another kind of object.
    #[error("{EXEC_INFO} is a {kind:?}, not an ExecCredential. It is for kubectl to set; look what else did")]
    WrongKind {
        /// The kind found.
        kind: String,
    },
    /// A version that this program does not speak.
    #[error(
        "kubectl asks for {version:?}; kubegate answers client.authentication.k8s.io/v1 and /v1beta1. \
         Set the user's exec.apiVersion in the kubeconfig to client.authentication.k8s.io/v1"
    )]
    UnknownVersion {
        /// The version asked for.
        version: String,
    },
}

impl ApiVersion {
    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

impl ExecInfo {
    /// When nobody asks: the newest version, and nothing known.
    pub(crate) fn unasked() -> Self {
        Self { version: ApiVersion::V1, interactive: None, cluster: None }
    }

    /// Reads kubectl's question.
    pub(crate) fn parse(text: &str) -> Result<Self, ExecInfoError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            #[serde(default)]
            kind: String,
            #[serde(default)]
            api_version: String,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        struct Spec {
            interactive: Option<bool>,
            cluster: Option<ExecCluster>,
        }
        if text.len() > MAX_EXEC_INFO {
            return Err(ExecInfoError::TooLong { length: text.len() });
        }
        let wire: Wire = serde_json::from_str(text).map_err(|source| ExecInfoError::Malformed { source })?;
        if wire.kind != "ExecCredential" {
            return Err(ExecInfoError::WrongKind { kind: printable(&wire.kind) });
        }
        let version = [ApiVersion::V1, ApiVersion::V1Beta1]
            .into_iter()
            .find(|version| version.as_str() == wire.api_version)
            .ok_or_else(|| ExecInfoError::UnknownVersion { version: printable(&wire.api_version) })?;
        Ok(Self { version, interactive: wire.spec.interactive, cluster: wire.spec.cluster })
    }
}

/// The answer: the token, and a moment a little before it ends, so that kubectl asks in time.
pub(crate) fn credential(version: ApiVersion, token: &CachedToken) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire<'a> {
        kind: &'static str,
        api_version: &'static str,
        status: Status<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'a> {
        expiration_timestamp: String,
        token: &'a str,
    }
    let lifetime = token.expires_at.since(token.obtained_at).as_secs();
    let early = (lifetime / 10).min(20);
    let wire = Wire {
        kind: "ExecCredential",
        api_version: version.as_str(),
        status: Status { expiration_timestamp: token.expires_at.minus(early).rfc3339(), token: token.token.expose() },
    };
    let mut text = serde_json::to_string(&wire).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::secret::Secret;

    #[test]
    fn reads_both_versions() {
        let v1 = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true,
            "cluster":{"server":"https://prod","certificate-authority-data":"eA==","config":null,"tls-server-name":"p"}}}"#;
        let info = ExecInfo::parse(v1).unwrap();
        assert_eq!((info.version, info.interactive), (ApiVersion::V1, Some(true)));
        let cluster = info.cluster.unwrap();
        assert_eq!(cluster.server, "https://prod");
        assert_eq!(cluster.certificate_authority_data.as_deref(), Some("eA=="));
        assert_eq!(cluster.tls_server_name.as_deref(), Some("p"));

        let beta = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{}}"#;
        let info = ExecInfo::parse(beta).unwrap();
        assert_eq!((info.version, info.interactive), (ApiVersion::V1Beta1, None));
    }

    #[test]
    fn says_what_is_wrong_with_a_question() {
        for (text, word) in [
            ("", "JSON"),
            ("3", "JSON"),
            (r#"{"kind":"Pod","apiVersion":"v1"}"#, "\"Pod\""),
            (r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#, "v1alpha1"),
        ] {
            let error = ExecInfo::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(matches!(ExecInfo::parse(&" ".repeat(600_000)), Err(ExecInfoError::TooLong { .. })));
    }

    #[test]
    fn the_credential_ends_a_little_early() {
        for (lifetime, expected) in [(600, "2025-11-24T00:09:40Z"), (60, "2025-11-24T00:00:54Z")] {
            let obtained_at = UnixTime(1_763_942_400);
            let token = CachedToken {
                token: Secret::new("abc".into()),
                obtained_at,
                expires_at: obtained_at.plus(lifetime),
                cluster: None,
            };
            let text = credential(ApiVersion::V1Beta1, &token);
            assert_eq!(
                text,
                format!(
                    "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\
                     \"status\":{{\"expirationTimestamp\":\"{expected}\",\"token\":\"abc\"}}}}\n"
                )
            );
        }
    }
}
