//! Identifiers, each a type of its own, so that no two can be mistaken for each other.

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// The name of a cluster: one Kubernetes API server that Kubegate fronts.
    ClusterName
}
identifier! {
    /// A session's id (`sid`): one sign-in of one person on one device.
    SessionId
}
identifier! {
    /// A person: `<provider>:<subject>`, unique over all identity providers.
    PersonId
}
identifier! {
    /// A signing key's id (`kid`).
    KeyId
}
identifier! {
    /// A rule's name in the policy file.
    RuleName
}
identifier! {
    /// An elevation's id.
    ElevationId
}
