//! A file that says who has which groups.
//!
//! ```yaml
//! people:
//!   - {user: alice@example.com, groups: [platform-admins, developers]}
//!   - {email: bob@example.com, groups: [developers]}
//!   - {subject: "00u1abcd", groups: [developers]}
//! ```

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use kubegate_core::document::{self, Node, Problems};
use kubegate_core::identity_name;

/// Who has which groups, as a file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFile {
    by_user: HashMap<String, Vec<String>>,
    by_email: HashMap<String, Vec<String>>,
    by_subject: HashMap<String, Vec<String>>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GroupFileError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl GroupFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, GroupFileError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| GroupFileError::Read { path: path.to_owned(), source })?;
        Ok(Self::parse(&path.display().to_string(), &text)?)
    }

    /// Reads `text`; `file` is the name that problems carry.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        document::read(file, text, read)
    }

    /// The groups of somebody: all that are listed for the user name (without the provider's prefix), for the address
    /// and for the subject.
    #[must_use]
    pub fn groups_of(&self, user: &str, email: Option<&str>, subject: &str) -> Vec<String> {
        let email = email.map(str::to_ascii_lowercase);
        let found =
            [self.by_user.get(user), email.and_then(|email| self.by_email.get(&email)), self.by_subject.get(subject)];
        let groups: BTreeSet<&String> = found.into_iter().flatten().flatten().collect();
        groups.into_iter().cloned().collect()
    }
}

fn read(root: &Node<'_>) -> Option<GroupFile> {
    let fields = root.fields(&["people"])?;
    let mut file = GroupFile::default();
    let items = fields.require("people")?.items()?;
    let read: Vec<Option<()>> = items.iter().map(|node| one(node, &mut file)).collect();
    read.into_iter().collect::<Option<Vec<()>>>()?;
    Some(file)
}

fn one(node: &Node<'_>, file: &mut GroupFile) -> Option<()> {
    let fields = node.fields(&["user", "email", "subject", "groups"])?;
    let groups = fields.require("groups").and_then(|node| {
        let names: Vec<Option<String>> = node.items()?.iter().map(group).collect();
        names.into_iter().collect::<Option<Vec<String>>>()
    });
    let who = [fields.get("user"), fields.get("email"), fields.get("subject")];
    let (map, name) = match &who {
        [Some(node), None, None] => (&mut file.by_user, node.non_empty_text()?.to_owned()),
        [None, Some(node), None] => (&mut file.by_email, node.non_empty_text()?.to_ascii_lowercase()),
        [None, None, Some(node)] => (&mut file.by_subject, node.non_empty_text()?.to_owned()),
        _ => {
            node.report("does not name one person", "write one of user, email and subject");
            return None;
        }
    };
    if map.insert(name.clone(), groups?).is_some() {
        node.report(format!("{name:?} is listed twice"), "keep one of the two, with all groups");
        return None;
    }
    Some(())
}

fn group(node: &Node<'_>) -> Option<String> {
    let name = node.text()?;
    identity_name::check(name).map_err(|error| node.report(error.to_string(), "choose another name")).ok()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_each_of_their_names() {
        let text = "people:\n  - {user: alice, groups: [b, a]}\n  - {email: Alice@Example.com, groups: [a, c]}\n  \
                    - {subject: \"1\", groups: [d]}\n";
        let file = GroupFile::parse("groups.yaml", text).unwrap();
        assert_eq!(file.groups_of("alice", Some("ALICE@example.com"), "1"), ["a", "b", "c", "d"]);
        assert_eq!(file.groups_of("alice", None, "2"), ["a", "b"]);
        assert!(file.groups_of("bob", Some("bob@example.com"), "alice").is_empty(), "a subject is no user name");
    }

    #[test]
    fn every_mistake_is_told() {
        let text = "people:\n  - {user: a, email: b, groups: []}\n  - {groups: [x]}\n  - {user: a, groups: ['a,b']}\n  \
                    - {user: c, groups: []}\n  - {user: c, groups: []}\n  - {usr: d}\n";
        let problems = GroupFile::parse("groups.yaml", text).unwrap_err();
        for words in ["groups.yaml:2", "does not name one person", "comma", "listed twice", "did you mean user?"] {
            assert!(problems.to_string().contains(words), "{words} in {problems}");
        }
    }
}
