//! The message files against each other and against what the pages ask for; hostile names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use super::language::{SOURCES, speaking};
use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\"'&`x`{ $user }";

/// Every message and part of one, with the places that it has.
fn places_of(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let resource = fluent_syntax::parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
    let mut found = BTreeMap::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else {
            assert!(!matches!(entry, Entry::Term(_)), "terms are not used");
            continue;
        };
        let parts = message.value.iter().map(|pattern| (message.id.name.to_owned(), pattern));
        let attributes = message.attributes.iter();
        let attributes = attributes.map(|part| (format!("{}.{}", message.id.name, part.id.name), &part.value));
        for (id, pattern) in parts.chain(attributes) {
            let mut places = BTreeSet::new();
            collect(pattern, &mut places);
            assert!(found.insert(id.clone(), places).is_none(), "{id} stands twice");
        }
    }
    found
}

fn collect(pattern: &Pattern<&str>, places: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let inline = match expression {
            Expression::Inline(inline) => inline,
            Expression::Select { selector, variants } => {
                variants.iter().for_each(|variant| collect(&variant.value, places));
                selector
            }
        };
        match inline {
            InlineExpression::VariableReference { id } => places.insert(id.name.to_owned()),
            other => panic!("only {{ $name }} is used in messages, not {other:?}"),
        };
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|found| found == extension) {
            found.push(entry);
        }
    }
    found
}

fn crate_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_language_has_the_same_messages_with_the_same_places() {
    let (_, english) = SOURCES[0];
    let english = places_of(english);
    for (tag, source) in SOURCES {
        let theirs = places_of(source);
        let lacking: Vec<&String> = english.keys().filter(|id| !theirs.contains_key(*id)).collect();
        let superfluous: Vec<&String> = theirs.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(lacking.is_empty(), "messages/{tag}.ftl lacks {lacking:?}");
        assert!(superfluous.is_empty(), "messages/{tag}.ftl has what messages/en.ftl has not: {superfluous:?}");
        for (id, places) in &english {
            assert_eq!(&theirs[id], places, "the places of {id} in messages/{tag}.ftl are those of messages/en.ftl");
        }
    }
}

#[test]
fn every_message_file_is_a_language_of_the_pages() {
    let tags: BTreeSet<String> = SOURCES.iter().map(|(tag, _)| format!("{tag}.ftl")).collect();
    let named = files(&crate_file("messages"), "ftl");
    let named: BTreeSet<String> =
        named.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(tags, named, "SOURCES in http/messages/language.rs lists the files of messages/");
    for language in Language::all() {
        assert_ne!(language.name(), language.tag(), "it says what it is called");
    }
}

/// What the code and the templates name, so that no page shows an id, and nobody translates what is never shown.
#[test]
fn the_messages_are_those_that_the_pages_show() {
    let (_, english) = SOURCES[0];
    let known: BTreeSet<String> =
        places_of(english).into_keys().map(|id| id.split('.').next().unwrap().to_owned()).collect();
    let sources = files(&crate_file("templates"), "html").into_iter().chain(files(&crate_file("src"), "rs"));
    let sources = sources.filter(|path| !path.to_str().unwrap().contains("/tests"));
    let sources: Vec<String> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    for source in &sources {
        for call in ["text(\"", "told_as(\""] {
            for (at, _) in source.match_indices(call) {
                let id = source[at + call.len()..].split('"').next().unwrap();
                let named = source[..at].ends_with(|before: char| before == '_' || before.is_alphanumeric());
                assert!(named || known.contains(id), "messages/en.ftl lacks {id}");
            }
        }
        // An error whose word has no message is told as another one.
        for statement in source.split("PageError::of(").skip(1).map(|rest| rest.split(';').next().unwrap()) {
            let code = statement.split('"').nth(1).filter(|_| statement.starts_with("StatusCode::"));
            let told = code.is_none_or(|code| known.contains(&format!("error-{code}")));
            assert!(told || source.contains("told_as("), "messages/en.ftl lacks error-{code:?}");
        }
    }
    let all = sources.concat();
    for id in &known {
        let shown = all.contains(&format!("\"{id}\""))
            || id.strip_prefix("error-").is_some_and(|code| all.contains(&format!("\"{code}\"")))
            || id.rsplit_once('-').is_some_and(|(family, _)| all.contains(&format!("\"{family}-{{")));
        assert!(shown, "no page shows {id}");
    }
}

#[test]
fn names_are_escaped_in_every_message_of_every_language() {
    for (index, (tag, source)) in SOURCES.into_iter().enumerate() {
        let language = Language::all().nth(index).unwrap();
        for (id, places) in places_of(source) {
            let (id, part) = id.split_once('.').map_or((id.as_str(), None), |(id, part)| (id, Some(part)));
            let mut message = text(id.to_owned());
            message.attribute =
                part.map(|part| *["title", "what", "remedy", "label"].iter().find(|known| **known == part).unwrap());
            for place in &places {
                message = message.with(Box::leak(place.clone().into_boxed_str()), HOSTILE);
            }
            let (plain, rich) = speaking(language, || (message.to_string(), message.rich().0));
            assert!(!rich.contains("<script") && !rich.contains("x</code>"), "{tag} {id}: {rich}");
            assert!(
                !rich.replace("<code>", "").replace("</code>", "").contains(['<', '"', '\'']),
                "{tag} {id}: {rich}"
            );
            let selects = source.contains(&format!("{id} =\n    {{ $"));
            assert!(places.is_empty() || selects || plain.contains(HOSTILE), "{tag} {id}: {plain}");
        }
    }
}

#[test]
fn code_is_what_the_message_says_and_never_a_name() {
    let rich =
        |name: &str| text("error-account-disabled").part("remedy").with("by", "`b`").with("person", name).rich().0;
    assert_eq!(
        rich("`<i>`"),
        "Ask `b`, or another administrator of Kubegate, to enable <code>`&#60;i&#62;`</code> again."
    );
}

#[test]
fn one_and_many_are_told_apart_in_both_languages() {
    let german = Language::by_tag("de").unwrap();
    let wait = |seconds: u64| text("login-wait").count("seconds", seconds).to_string();
    assert!(wait(1).contains("Wait one second,") && wait(30).contains("Wait 30 seconds,"), "{}", wait(30));
    speaking(german, || assert!(wait(1).contains("eine Sekunde") && wait(30).contains("30 Sekunden"), "{}", wait(30)));
    let english = speaking(german, || text("login-wait").count("seconds", 30).english());
    assert_eq!(english, wait(30), "logs and programs hear English");
}

#[test]
fn the_other_languages_can_be_chosen_and_lead_back() {
    let german = Language::by_tag("de").unwrap();
    let offered = speaking(german, choices);
    let english = offered.iter().find(|choice| choice.tag == "en").unwrap();
    assert_eq!(
        (english.name.as_str(), english.href.as_str()),
        ("English", "/language/en?return_to=%2Fsomewhere%3Fa%3Db")
    );
    assert!(!offered.iter().any(|choice| choice.tag == "de"));
}
