//! The texts of the pages, in the language of the one who reads them.
//!
//! A text is a message of `messages/*.ftl` (Project Fluent), English first. In a template:
//!
//! ```text
//! {{ m::text("home-title") }}                              escaped, as all that is shown
//! {{ m::text("consent-title").with("user", user) }}        with what a person or provider said
//! {{ m::text("code-lead").rich() }}                        `backticks` become <code>
//! ```
//!
//! Which language it is stands with the request ([`language::layer`]), so no page passes it on. A text is made in the
//! moment in which it is shown.

mod language;

use std::borrow::Cow;
use std::fmt;

use askama::filters::Safe;
use fluent_bundle::{FluentArgs, FluentValue};

pub(super) use self::language::{Language, choices, current, from_the_start, layer};

/// A text of the pages, with what fills its places.
#[derive(Clone, Debug)]
pub(super) struct Text {
    id: Cow<'static, str>,
    attribute: Option<&'static str>,
    arguments: Vec<(&'static str, Argument)>,
}

#[derive(Clone, Debug)]
enum Argument {
    Words(String),
    Number(f64),
    Text(Text),
}

/// The text of a message.
pub(super) fn text(id: impl Into<Cow<'static, str>>) -> Text {
    Text { id: id.into(), attribute: None, arguments: Vec::new() }
}

/// Words that are the same in every language: a name.
pub(super) fn literal(words: impl fmt::Display) -> Text {
    text("literal").with("words", words)
}

impl Text {
    /// With these words where the message says `{ $name }`.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, words: impl fmt::Display) -> Self {
        self.arguments.push((name, Argument::Words(words.to_string())));
        self
    }

    /// With a number, which may choose between one and many.
    #[must_use]
    pub(super) fn count(mut self, name: &'static str, number: impl fmt::Display) -> Self {
        let words = number.to_string();
        let argument = words.parse().map_or(Argument::Words(words), Argument::Number);
        self.arguments.push((name, argument));
        self
    }

    /// With another text.
    #[must_use]
    pub(super) fn with_text(mut self, name: &'static str, text: Self) -> Self {
        self.arguments.push((name, Argument::Text(text)));
        self
    }

    /// Another part of the same message: `.title`, for one.
    #[must_use]
    pub(super) fn part(&self, attribute: &'static str) -> Self {
        Self { attribute: Some(attribute), ..self.clone() }
    }

    /// As HTML: everything is escaped, and what the message (not an argument) has between backticks is code.
    pub(super) fn rich(&self) -> Safe<String> {
        let text = self.in_language(current(), |words| words.replace('`', HELD_BACK));
        let pieces = text.split('`').enumerate().map(|(position, piece)| {
            let piece = escape(&piece.replace(HELD_BACK, "`"));
            if position % 2 == 1 { format!("<code>{piece}</code>") } else { piece }
        });
        Safe(pieces.collect())
    }

    /// In English, for logs and for programs.
    pub(super) fn english(&self) -> String {
        self.in_language(Language::ENGLISH, str::to_owned)
    }

    fn in_language(&self, language: Language, words_of: fn(&str) -> String) -> String {
        let mut arguments = FluentArgs::new();
        for (name, argument) in &self.arguments {
            let value: FluentValue<'_> = match argument {
                Argument::Words(words) => words_of(words).into(),
                Argument::Number(number) => (*number).into(),
                Argument::Text(text) => text.in_language(language, words_of).into(),
            };
            arguments.set(*name, value);
        }
        let found = language.format(&self.id, self.attribute, &arguments);
        found.or_else(|| Language::ENGLISH.format(&self.id, self.attribute, &arguments)).unwrap_or_else(|| {
            tracing::error!(id = %self.id, attribute = self.attribute, "a message is missing");
            self.id.to_string()
        })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.in_language(current(), str::to_owned))
    }
}

/// Stands for a backtick of an argument, which makes no code. A character for private use, taken out of names before.
const HELD_BACK: &str = "\u{f8ff}";

fn escape(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).map_or_else(|_| String::new(), |escaped| escaped.to_string())
}

#[cfg(test)]
mod tests;
