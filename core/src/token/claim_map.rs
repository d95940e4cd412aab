//! A JSON object in which no member stands twice: two readers could otherwise see two different people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::Value;

/// Reads one, for `#[serde(deserialize_with)]`; a map by itself would keep the last of two members.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Value>, D::Error> {
    deserializer.deserialize_map(ClaimMap)
}

struct ClaimMap;

impl<'de> Visitor<'de> for ClaimMap {
    type Value = BTreeMap<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut claims = BTreeMap::new();
        while let Some((name, value)) = members.next_entry()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim stands twice"));
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn no_claim_stands_twice() {
        let read = |text: &str| super::deserialize(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(
            read(r#"{"a": 1, "b": [2]}"#).unwrap(),
            [("a".into(), 1.into()), ("b".into(), vec![2].into())].into()
        );
        for twice in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "b": 2, "\u0061": 3}"#] {
            assert!(read(twice).unwrap_err().to_string().contains("twice"), "{twice}");
        }
    }
}
