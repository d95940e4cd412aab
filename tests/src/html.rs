//! Just enough of HTML to fill in a form that a server rendered.

use std::collections::BTreeMap;

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes, as written.
    pub action: String,
    /// Names and values of its inputs, as they are sent when nobody touches them.
    pub fields: BTreeMap<String, String>,
    /// Name and value of each button that sends something.
    pub buttons: Vec<(String, String)>,
}

/// The forms of a page, in order.
#[must_use]
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in tags(page) {
        let name = tag.name.as_str();
        match (name, open) {
            ("form", _) => {
                open = true;
                forms.push(Form { action: tag.attribute("action"), fields: BTreeMap::new(), buttons: Vec::new() });
            }
            ("/form", _) => open = false,
            ("input", true) if tag.attribute("type") != "submit" => {
                if let Some(form) = forms.last_mut() {
                    form.fields.insert(tag.attribute("name"), tag.attribute("value"));
                }
            }
            ("button" | "input", true) if !tag.attribute("name").is_empty() => {
                if let Some(form) = forms.last_mut() {
                    form.buttons.push((tag.attribute("name"), tag.attribute("value")));
                }
            }
            _ => {}
        }
    }
    forms
}

/// Where the links of a page lead, in order, as written.
#[must_use]
pub fn links(page: &str) -> Vec<String> {
    tags(page).iter().filter(|tag| tag.name == "a").map(|tag| tag.attribute("href")).collect()
}

/// What a person reads on a page: its text without tags, in one line.
#[must_use]
pub fn text(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        out.push(' ');
        rest = behind.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    unescape(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> String {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, behind)) = rest.split_once('<') {
        let end = tag_end(behind);
        let (inside, after) = behind.split_at(end);
        rest = after;
        let name_end = inside.find(|c: char| c.is_whitespace()).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(name_end);
        tags.push(Tag { name: name.trim_end_matches('/').to_ascii_lowercase(), attributes: attributes_of(attributes) });
    }
    tags
}

/// Where the tag closes: the first `>` outside quotes.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn attributes_of(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start().trim_start_matches('/');
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() {
            return found;
        }
        let (value, after) = match behind.strip_prefix('=') {
            Some(value) => attribute_value(value),
            None => ("", behind),
        };
        found.push((name.to_ascii_lowercase(), unescape(value)));
        rest = after;
    }
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#x22;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&apos;", "'")
        .replace("&lt;", "<")
        .replace("&#60;", "<")
        .replace("&gt;", ">")
        .replace("&#62;", ">")
        .replace("&#x2F;", "/")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_form_as_a_browser_would() {
        let page = r#"<h1>A &amp; B</h1><form method="post" action="/login/accounts?a=1&amp;b=2"><label>User
            <input name=username autofocus></label><input type="hidden" name="csrf" value="x&quot;&gt;y"/>
            <button name="decision" value="allow">Go</button></form><form action='/other'></form>"#;
        let forms = forms(page);
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0].action, "/login/accounts?a=1&b=2");
        assert_eq!(forms[0].fields["csrf"], "x\">y");
        assert_eq!(forms[0].fields["username"], "");
        assert_eq!(forms[0].buttons, [("decision".to_owned(), "allow".to_owned())]);
        assert_eq!(text("<p>a &lt;b</p>\n<p>c"), "a <b c");
    }
}
