//! The languages of the pages, and which one a request is answered in.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

use crate::app::App;

/// The languages: the tag (RFC 5646), and the messages. English first. Another language is another line here.
pub(super) const SOURCES: [(&str, &str); 2] = [
    ("en", include_str!("../../../messages/en.ftl")), //
    ("de", include_str!("../../../messages/de.ftl")),
];

/// How many entries of an `Accept-Language` are read.
const MOST_ACCEPTED: usize = 32;

/// One of the languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Language(usize);

struct Messages {
    tag: &'static str,
    identifier: LanguageIdentifier,
    bundle: FluentBundle<FluentResource>,
}

fn all() -> &'static [Messages] {
    static ALL: OnceLock<Vec<Messages>> = OnceLock::new();
    ALL.get_or_init(|| SOURCES.iter().map(|(tag, source)| read(tag, source)).collect())
}

/// A file with mistakes gives what can be read of it; the tests let none pass.
fn read(tag: &'static str, source: &str) -> Messages {
    let identifier: LanguageIdentifier = tag.parse().unwrap_or_default();
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = FluentBundle::new_concurrent(vec![identifier.clone()]);
    // No invisible marks around arguments: commands are copied from these pages.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    Messages { tag, identifier, bundle }
}

impl Language {
    /// The language that everything has a text in.
    pub(in crate::http) const ENGLISH: Self = Self(0);

    /// All of them.
    pub(in crate::http) fn all() -> impl Iterator<Item = Self> {
        (0..SOURCES.len()).map(Self)
    }

    /// The language with this tag.
    pub(in crate::http) fn by_tag(tag: &str) -> Option<Self> {
        SOURCES.iter().position(|(known, _)| *known == tag).map(Self)
    }

    /// The tag of this language.
    pub(in crate::http) fn tag(self) -> &'static str {
        all().get(self.0).map_or("en", |messages| messages.tag)
    }

    /// What those who speak it call it.
    pub(in crate::http) fn name(self) -> String {
        self.format("language-name", None, &FluentArgs::new()).unwrap_or_else(|| self.tag().to_owned())
    }

    /// The best of our languages for what a browser accepts (RFC 9110 section 12.5.4).
    fn accepted(header: &str) -> Self {
        let mut wanted: Vec<(f32, LanguageIdentifier)> = header
            .split(',')
            .take(MOST_ACCEPTED)
            .filter_map(|entry| {
                let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
                let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok())?;
                Some((weight, tag.trim().parse().ok()?))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let wanted: Vec<LanguageIdentifier> = wanted.into_iter().map(|(_, tag)| tag).collect();
        let ours: Vec<&LanguageIdentifier> = all().iter().map(|messages| &messages.identifier).collect();
        let best = negotiate_languages(&wanted, &ours, None, NegotiationStrategy::Lookup);
        let best = best.first().and_then(|best| ours.iter().position(|ours| ours == *best));
        best.map_or(Self::ENGLISH, Self)
    }

    /// The message in this language, filled in.
    pub(super) fn format(self, id: &str, attribute: Option<&str>, arguments: &FluentArgs<'_>) -> Option<String> {
        let bundle = &all().get(self.0)?.bundle;
        let message = bundle.get_message(id)?;
        let pattern = match attribute {
            Some(attribute) => message.get_attribute(attribute)?.value(),
            None => message.value()?,
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(id, ?errors, language = self.tag(), "a message could not be filled in");
        }
        Some(text)
    }
}

/// What is known of the one who reads the page.
#[derive(Clone, Debug)]
struct Reader {
    language: Language,
    /// Where a choice of another language leads back to.
    here: String,
}

tokio::task_local! {
    static READER: Reader;
}

/// The language of the request that is answered now.
pub(in crate::http) fn current() -> Language {
    READER.try_with(|reader| reader.language).unwrap_or(Language::ENGLISH)
}

/// Makes a page that is not to be gone to again, nor to show what was in its address.
pub(in crate::http) fn from_the_start<T>(make: impl FnOnce() -> T) -> T {
    READER.sync_scope(Reader { language: current(), here: "/".to_owned() }, make)
}

/// Another language to choose.
pub(in crate::http) struct Choice {
    /// Its tag.
    pub(in crate::http) tag: &'static str,
    /// What those who speak it call it.
    pub(in crate::http) name: String,
    /// Where the choice is made.
    pub(in crate::http) href: String,
}

/// The languages that this page is not in.
pub(in crate::http) fn choices() -> Vec<Choice> {
    let here = READER.try_with(|reader| reader.here.clone()).unwrap_or_else(|_| "/".to_owned());
    let others = Language::all().filter(|language| *language != current());
    let choice = |language: Language| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &here).finish();
        Choice { tag: language.tag(), name: language.name(), href: format!("/language/{}?{query}", language.tag()) }
    };
    others.map(choice).collect()
}

/// Answers every request in the reader's language: the one chosen, else the best that the browser accepts.
pub(in crate::http) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let language = of(&app, request.headers());
    let path = request.uri().path();
    // What a provider's answer, a form or an unknown address led to is not shown again by going there again.
    let again = request.method() == Method::GET && !path.starts_with("/callback/");
    let here = request.uri().path_and_query().filter(|_| again).map_or("/", |here| here.as_str()).to_owned();
    let mut response = READER.scope(Reader { language, here }, next.run(request)).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.append(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    }
    response
}

fn of(app: &App, headers: &HeaderMap) -> Language {
    let chosen = app.cookies.language(headers).and_then(|tag| Language::by_tag(&tag));
    let accepted =
        || headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(Language::accepted);
    chosen.or_else(accepted).unwrap_or(Language::ENGLISH)
}

#[cfg(test)]
pub(in crate::http) fn speaking<T>(language: Language, make: impl FnOnce() -> T) -> T {
    READER.sync_scope(Reader { language, here: "/somewhere?a=b".to_owned() }, make)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_that_it_likes_best() {
        for (accepts, tag) in [
            ("", "en"),
            ("*", "en"),
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("en-GB,en;q=0.9,de;q=0.8", "en"),
            ("fr,de;q=0.5,en;q=0.4", "de"),
            ("en;q=0.3, de;q=0.7", "de"),
            ("de;q=0, en", "en"),
            ("fr, nl", "en"),
            ("DE-de", "de"),
            ("de;q=x", "en"),
            (";;;,,,\u{e9}", "en"),
        ] {
            assert_eq!(Language::accepted(accepts).tag(), tag, "{accepts:?}");
        }
        assert_eq!(Language::accepted(&"de-AT,".repeat(10_000)).tag(), "de", "and it does not read for long");
    }
}
