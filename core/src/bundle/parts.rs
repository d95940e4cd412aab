//! The parts of a policy: its rules in pieces that keep their content when rules elsewhere change.

use std::sync::Arc;

use crate::rule::Rule;

/// A part has about so many rules.
const USUAL: u64 = 32;

/// A part has at most so many rules.
const MOST: usize = 64;

/// Splits rules into parts, in order. Where one ends depends on the names of the rules around it alone, so that a rule
/// that is added, changed or removed makes one part or two anew and leaves the others as they are.
///
/// # Errors
/// When a rule cannot be written as JSON.
pub fn split(rules: &[Rule]) -> Result<Vec<String>, serde_json::Error> {
    let mut parts = Vec::new();
    let mut part: Vec<&Rule> = Vec::new();
    for rule in rules {
        part.push(rule);
        if part.len() >= MOST || fnv1a(rule.name.as_str()).is_multiple_of(USUAL) {
            parts.push(serde_json::to_string(&part)?);
            part.clear();
        }
    }
    if !part.is_empty() {
        parts.push(serde_json::to_string(&part)?);
    }
    Ok(parts)
}

/// The rules of a part.
pub(super) fn read(text: &str) -> Option<Vec<Arc<Rule>>> {
    serde_json::from_str::<Vec<Rule>>(text).ok().map(|rules| rules.into_iter().map(Arc::new).collect())
}

/// FNV-1a, 64 bits: quick, and nothing here depends on its strength.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
