//! Kubernetes `Status` objects, which kubectl prints well.

use serde_json::json;

/// A refusal: what the client is told, and under which stable reason it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub kind: Kind,
    /// A stable kebab-case word for logs and metrics.
    pub reason: &'static str,
    /// What was refused, why, and what the person can do.
    pub message: String,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request can be understood in more than one way, or in none.
    BadRequest,
    /// 401: a new token helps.
    Unauthorized,
    /// 403: a new token does not help.
    Forbidden,
    /// 404: there is no such host, or no such path of ours.
    NotFound,
    /// 502: the API server does not take the gateway's own credential.
    BadGateway,
    /// 503: the gateway cannot decide now.
    Unavailable,
}

impl Kind {
    /// The HTTP status code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
        }
    }

    /// The `reason` of the `Status` (`k8s.io/apimachinery/pkg/apis/meta/v1.StatusReason`).
    fn status_reason(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::BadGateway => "InternalError",
            Self::Unavailable => "ServiceUnavailable",
        }
    }
}

/// An answer's body and its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The media type.
    pub content_type: &'static str,
    /// The text.
    pub text: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(kind: Kind, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, reason, message: message.into() }
    }

    /// The answer's body: a `Status`, or plain text where client-go reads nothing else (`plain`, on discovery paths).
    #[must_use]
    pub fn body(&self, plain: bool) -> Body {
        if plain {
            return Body { content_type: "text/plain; charset=utf-8", text: format!("{}\n", self.message) };
        }
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.kind.status_reason(),
            "details": {"causes": [{"reason": self.reason, "message": "decided by Kubegate"}]},
            "code": self.kind.code(),
        });
        Body { content_type: "application/json", text: format!("{status}\n") }
    }
}
