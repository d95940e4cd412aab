//! The grammar of label selectors, as far as to tell whether a text is one (`k8s.io/apimachinery/pkg/labels.Parse`).
//!
//! ```text
//!  selector    = [ requirement *( "," requirement ) ]
//!  requirement = key / "!" key / key ( "=" / "==" / "!=" ) [ value ] / key ( "<" / ">" ) integer
//!              / key ( "in" / "notin" ) "(" [ value ] *( "," [ value ] ) ")"
//! ```

/// What may stand between tokens.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What ends a word.
const SYMBOLS: [char; 7] = ['=', '!', '(', ')', ',', '<', '>'];

/// The longest value, and the longest key without its prefix.
const MAX_NAME: usize = 63;

/// The longest prefix of a key.
const MAX_PREFIX: usize = 253;

/// Whether `text` is a label selector.
pub(super) fn is_label_selector(text: &str) -> bool {
    let tokens = tokens(text);
    let mut rest = tokens.as_slice();
    if rest.is_empty() {
        return true;
    }
    loop {
        rest = match behind_requirement(rest) {
            Some([]) => return true,
            Some([",", behind @ ..]) => behind,
            _ => return false,
        };
    }
}

fn tokens(mut text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    loop {
        text = text.trim_start_matches(SPACE);
        let length = match text.bytes().next() {
            None => return tokens,
            Some(_) if text.starts_with("==") || text.starts_with("!=") => 2,
            Some(_) if text.starts_with(SYMBOLS) => 1,
            Some(_) => text.find(|next| SYMBOLS.contains(&next) || SPACE.contains(&next)).unwrap_or(text.len()),
        };
        let (token, behind) = text.split_at_checked(length).unwrap_or((text, ""));
        tokens.push(token);
        text = behind;
    }
}

/// The tokens behind the requirement that `tokens` begin with, if they do.
fn behind_requirement<'t, 's>(tokens: &'t [&'s str]) -> Option<&'t [&'s str]> {
    if let ["!", key, behind @ ..] = tokens {
        return is_key(key).then_some(behind);
    }
    let [key, behind @ ..] = tokens else {
        return None;
    };
    let behind = match behind {
        ["=" | "==" | "!=", behind @ ..] => match behind {
            [] | [",", ..] => behind,
            [value, behind @ ..] if is_value(value) => behind,
            _ => return None,
        },
        ["<" | ">", number, behind @ ..] if is_value(number) && number.parse::<i64>().is_ok() => behind,
        ["in" | "notin", "(", behind @ ..] => behind_values(behind)?,
        _ => behind,
    };
    is_key(key).then_some(behind)
}

/// The tokens behind the values and the parenthesis that ends them.
fn behind_values<'t, 's>(mut tokens: &'t [&'s str]) -> Option<&'t [&'s str]> {
    loop {
        if let [value, behind @ ..] = tokens
            && is_value(value)
        {
            tokens = behind;
        }
        tokens = match tokens {
            [",", behind @ ..] => behind,
            [")", behind @ ..] => return Some(behind),
            _ => return None,
        };
    }
}

/// `IsLabelKey` of `k8s.io/apimachinery/pkg/api/validate/content`.
fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_value(name),
        None => is_value(key),
    }
}

/// `IsLabelValue` there, of a value that is not empty.
fn is_value(value: &str) -> bool {
    value.len() <= MAX_NAME
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && value.starts_with(|first: char| first.is_ascii_alphanumeric())
        && value.ends_with(|last: char| last.is_ascii_alphanumeric())
}

/// `IsDNS1123Subdomain` there.
fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_PREFIX && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn label_selectors() {
        for selector in [
            "",
            " \t\r\n",
            "a",
            "!a",
            " ! a , b ",
            "a=b",
            "a==b,c!=d",
            "a=",
            "a=,b",
            "a!=",
            "in",
            "notin in (in,notin)",
            "a in (b)",
            "a in(b , c),d",
            "a notin ()",
            "a in (,)",
            "a in (,b,,c,)",
            "a>5",
            "a < 0005",
            "a>9223372036854775807",
            "app.kubernetes.io/Name_1=x",
            "1/a",
        ] {
            assert!(is_label_selector(selector), "{selector:?}");
        }
    }

    #[test]
    fn what_is_none() {
        for selector in [
            ",",
            "a,",
            ",a",
            "a,,b",
            "a b",
            "!!a",
            "!",
            "!a=b",
            "!a in (b)",
            "a=b=c",
            "a===b",
            "a= =b",
            "a! =b",
            "=b",
            "a=!b",
            "a in",
            "a in b",
            "a in (",
            "a in (b",
            "a in (b c)",
            "a in (b))",
            "a in (b=c)",
            "a>",
            "a>b",
            "a>-5",
            "a>+5",
            "a>5_0",
            "a>9223372036854775808",
            "a>=5",
            "(a)",
            "a='b'",
            "a=\"b\"",
            "a=-b",
            "a=b.",
            "a=b/c",
            "a/b/c",
            "/a",
            "a/",
            "A/b",
            "a_b/c",
            "a../b",
            "-a/b",
            "a=ü",
            "ü",
            "a\u{a0}",
            "a=b\0",
            "\0",
        ] {
            assert!(!is_label_selector(selector), "{selector:?}");
        }
    }

    #[test]
    fn lengths() {
        let of = |length| "x".repeat(length);
        assert!(is_label_selector(&format!("{}={}", of(63), of(63))));
        assert!(!is_label_selector(&of(64)));
        assert!(!is_label_selector(&format!("a={}", of(64))));
        assert!(!is_label_selector(&format!("a in ({})", of(64))));
        assert!(is_label_selector(&format!("{}/a", of(253))), "a label of the prefix has no limit of its own");
        assert!(!is_label_selector(&format!("{}/a", of(254))));
    }
}
