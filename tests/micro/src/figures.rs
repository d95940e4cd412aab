//! The counts that are checked in, and what is said of others beside them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// How much more, or less, than the checked-in count goes without a word, in percent.
const TOLERANCE: f64 = 5.0;

/// Counts of instructions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The programs that made them.
    pub(crate) made_by: String,
    /// Instructions of one call, by the name of the function.
    pub(crate) instructions: BTreeMap<String, u64>,
}

impl Figures {
    /// Those that are checked in.
    pub(crate) fn read() -> Result<Self> {
        let path = path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Puts these in their place.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        fs::write(path(), format!("{}\n", serde_json::to_string_pretty(self)?))?;
        Ok(path())
    }

    /// What these say of those that were `found`.
    pub(crate) fn judge(&self, found: &Self) -> Verdict {
        let line = |(name, count): (&String, &u64)| {
            let known = self.instructions.get(name).copied();
            (name.clone(), known, *count)
        };
        let other_tools = (self.made_by != found.made_by).then(|| (self.made_by.clone(), found.made_by.clone()));
        Verdict { lines: found.instructions.iter().map(line).collect(), other_tools }
    }
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json"))
}

/// Counts beside those that are checked in.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// A name, the checked-in count, the one found.
    lines: Vec<(String, Option<u64>, u64)>,
    other_tools: Option<(String, String)>,
}

impl Verdict {
    /// Whether nothing takes clearly more instructions than is checked in.
    pub(crate) fn is_good(&self) -> bool {
        self.lines.iter().all(|(_, known, found)| known.is_some_and(|known| percent(known, *found) <= TOLERANCE))
    }

    fn could_be_lowered(&self) -> bool {
        self.lines.iter().any(|(_, known, found)| known.is_some_and(|known| percent(known, *found) < -TOLERANCE))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<22} {:>12} {:>12}", "instructions of", "checked in", "now")?;
        for (name, known, found) in &self.lines {
            match known {
                Some(known) => {
                    let change = percent(*known, *found);
                    let mark = if change > TOLERANCE { "  TOO MANY" } else { "" };
                    writeln!(f, "{name:<22} {known:>12} {found:>12} {change:>+7.2} %{mark}")?;
                }
                None => writeln!(f, "{name:<22} {:>12} {found:>12}  NOT CHECKED IN", "-")?,
            }
        }
        if let (Some((known, found)), false) = (&self.other_tools, self.is_good()) {
            writeln!(f, "The checked-in counts are of {known}; these are of {found}, which alone can change them.")?;
        }
        f.write_str(if !self.is_good() {
            "Too many are more than 5 % above the checked-in count. If that has to be: ./just instructions --update"
        } else if self.could_be_lowered() {
            "Some are more than 5 % below the checked-in count; to hold that: ./just instructions --update"
        } else {
            "None is more than 5 % above the checked-in count."
        })
    }
}

fn percent(known: u64, found: u64) -> f64 {
    (found as f64 / known as f64 - 1.0) * 100.0
}
