//! What the access log says of a decision.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message;
use crate::request::Attributes;
use crate::time::Timestamp;
use crate::token::SessionClaims;

/// The reasons for which the policy allows a request.
pub const ALLOWED: [&str; 3] = ["rule", "discovery", "about-oneself"];

/// The reasons for which the policy denies one. All others are of requests that it was not asked about, but for
/// [`STEP_UP`].
pub const DENIED: [&str; 4] = ["denied", "no-rule", "no-access", "impersonation-not-granted"];

/// The reason of a request that the policy allows after another sign-in.
pub const STEP_UP: &str = "step-up";

/// What the access log says of a decision. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Record {
    /// `allow`, `deny`, `unauthenticated`, `local` or `error`.
    pub decision: &'static str,
    /// A stable kebab-case word: why.
    pub reason: &'static str,
    /// The rule that allowed or denied.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// The rule that would have denied, were it not only on trial.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub would_deny: String,
    /// The cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The real person's user name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The groups that the API server sees or would see, joined by commas: the person's own, or those that they assume.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub groups: String,
    /// The person as rules see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Rc<RecordedPerson>>,
    /// The session.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// The elevations in force, joined by commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub elevation: String,
    /// The user that `kubectl --as` assumes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub assumed_user: String,
    /// The verb.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verb: String,
    /// API group and resource with its subresource: `apps/deployments/scale`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Record {
    /// Takes over what is asked for.
    pub(super) fn describe(&mut self, attributes: &Attributes<'_>) {
        self.verb = attributes.verb.to_string();
        self.resource = message::resource_of(attributes);
        attributes.namespace.clone_into(&mut self.namespace);
        self.name = attributes.name.to_string();
    }

    /// As JSON, without what is empty: what the access log writes.
    #[must_use]
    pub fn line(&self) -> String {
        // It has nothing that JSON cannot say; without it the decision could not be replayed, and that would be told.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The person in a record: what rules can ask of a person and of a session, so that a decision can be replayed under
/// another policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedPerson {
    /// The identity provider's id.
    pub provider: String,
    /// The groups: those of the token, and those of elevations.
    pub groups: Vec<String>,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// The verified e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The claims that the policy in force asked for; null where the person has none. Of others nothing is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Value>,
    /// Whether the person has groups that the token was too full to carry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more_groups: bool,
    /// Whether a uid or extras were to be assumed, which are not in the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumes_more: bool,
}

impl RecordedPerson {
    /// The owner of a token, with these groups.
    pub(super) fn of(claims: &SessionClaims, groups: &[String]) -> Self {
        Self {
            provider: claims.provider.clone(),
            groups: groups.to_vec(),
            auth_time: claims.auth_time,
            email: claims.email.clone(),
            acr: claims.acr.clone(),
            amr: claims.amr.clone(),
            claims: claims.claims.clone(),
            has_more_groups: claims.groups_policy.is_some(),
            assumes_more: false,
        }
    }
}
