use serde_json::json;

use super::*;
use crate::scim::InvalidKind;

fn user() -> Value {
    json!({
        "id": "u1", "userName": "Alice@example.com", "externalId": "00uA", "displayName": "Alice", "active": true,
        "name": {"familyName": "Liddell"},
        "emails": [{"value": "alice@example.com", "type": "work", "primary": true}, {"value": "a@home.example", "type": "home"}],
    })
}

#[test]
fn what_is_found() {
    for (text, found) in [
        (r#"userName eq "alice@EXAMPLE.com""#, true),
        (r#"USERNAME Eq "alice@example.com""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "alice@example.com""#, true),
        (r#"userName eq "bob""#, false),
        (r#"externalId eq "00ua""#, false),
        (r#"externalId eq "00uA""#, true),
        (r#"id eq "u1" and active eq true"#, true),
        (r#"active eq "True""#, true),
        ("active eq False", false),
        ("active ne true", false),
        ("displayName pr", true),
        ("externalId pr and not (displayName pr)", false),
        (r#"displayName co "LIC""#, true),
        (r#"displayName sw "al" and displayName ew "CE""#, true),
        (r#"name.familyName eq "liddell""#, true),
        (r#"emails eq "a@home.example""#, true),
        (r#"emails.value eq "a@home.example""#, true),
        (r#"emails[type eq "work"].value eq "alice@example.com""#, true),
        (r#"emails[type eq "work"].value eq "a@home.example""#, false),
        (r#"emails[type eq "home" and value co "@home"]"#, true),
        (r#"emails[type eq "work" and value co "@home"]"#, false),
        (r#"userName eq "x" or id eq "u1" and externalId eq "y""#, false),
        (r#"userName eq "x" or (id eq "u1" and externalId eq "00uA")"#, true),
        (r#"id eq "u1" or userName eq "x" and externalId eq "y""#, true),
        (r#"displayName eq "Al\u0069ce""#, true),
        (r#"displayName eq "\" or id eq \"u1""#, false),
        ("externalId eq null", false),
        ("externalId ne null", true),
    ] {
        let filter = Filter::parse(text, USER).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&user()), found, "{text}");
    }
}

#[test]
fn what_is_refused() {
    let deep = format!("{}id pr{}", "(".repeat(17), ")".repeat(17));
    let wide = vec!["id pr"; 65].join(" or ");
    let long = format!("id eq \"{}\"", "x".repeat(MAX_LENGTH));
    for text in [
        "",
        "id",
        "id eq",
        "id eq u1",
        "id eq \"u1",
        "id eq \"u1\" and",
        "id eq \"u1\" id",
        "(id pr",
        "id pr)",
        "not id pr",
        "emails[type eq \"work\"",
        "userName[value eq \"x\"]",
        "password eq \"x\"",
        "meta.lastModified gt \"2011\"",
        "userName gt \"a\"",
        "userName eq true",
        "active eq \"perhaps\"",
        "active co true",
        "id eq 'u1'; DROP TABLE scim_user",
        "id eq \"a\\x\"",
        "\u{0}",
        "members.value eq \"x\"",
        &deep,
        &wide,
        &long,
    ] {
        let refused = Filter::parse(text, USER).unwrap_err();
        assert_eq!(refused.kind, InvalidKind::Filter, "{text}");
        assert!(refused.detail.len() < 500, "{}", refused.detail);
    }
}

/// Texts made of the language's own pieces, in any order, and of anything else: none makes the parser panic, or takes long.
#[test]
fn whatever_is_written_ends_in_a_filter_or_a_refusal() {
    const PIECES: [&str; 33] = [
        "userName eq \"x\"",
        "id pr",
        "emails[type eq \"work\"]",
        "not (",
        "members eq \"x\"",
        "userName",
        "emails",
        "emails.value",
        "id",
        "active",
        "members",
        " ",
        " ",
        " ",
        "eq",
        "ne",
        "pr",
        "co",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ".value",
        "\"x\"",
        "\"",
        "\\",
        "true",
        "null",
        "\u{e9}",
        "\u{1f600}",
    ];
    // A generator of its own, so that a failure comes again (xorshift, Marsaglia 2003).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).unwrap() % below
    };
    let began = std::time::Instant::now();
    let mut good = 0;
    for _ in 0..60_000 {
        let mut text = String::new();
        for _ in 0..=next(16) {
            match next(12) {
                0 => text.push(char::from_u32(u32::try_from(next(0x1_0000)).unwrap()).unwrap_or(' ')),
                _ => text.push_str(PIECES[next(PIECES.len())]),
            }
            if next(2) == 0 {
                text.push(' ');
            }
        }
        for attributes in [USER, GROUP] {
            if let Ok(filter) = Filter::parse(&text, attributes) {
                good += 1;
                let _ = (filter.matches(&user()), filter.demanded("id"));
            }
        }
        let _ = crate::scim::patch::Path::parse(&text);
    }
    assert!(good > 20, "some are filters: {good}");
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
}
