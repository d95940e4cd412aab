//! From text to a filter.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::{Attribute, Attributes, EMAIL, Filter, Literal, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, MEMBER, Operator};
use crate::scim::error::{Invalid, InvalidKind};

/// Reads a filter.
pub(super) fn filter(text: &str, attributes: Attributes) -> Result<Filter, Invalid> {
    if text.len() > MAX_LENGTH {
        return Err(invalid(format!("the filter is longer than {MAX_LENGTH} bytes")));
    }
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), depth: 0, terms: 0 };
    let filter = parser.any(attributes)?;
    match parser.tokens.next() {
        None => Ok(filter),
        Some(token) => Err(invalid(format!("{token} stands where the filter should end"))),
    }
}

fn invalid(detail: impl Into<String>) -> Invalid {
    Invalid::new(InvalidKind::Filter, detail)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    OpenItem,
    CloseItem,
    Word(String),
    Text(String),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::OpenItem => f.write_str("["),
            Self::CloseItem => f.write_str("]"),
            Self::Word(word) => write!(f, "{:?}", shortened(word)),
            Self::Text(text) => write!(f, "the text {:?}", shortened(text)),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn tokens(text: &str) -> Result<Vec<Token>, Invalid> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, after(rest, 1)),
            ')' => (Token::Close, after(rest, 1)),
            '[' => (Token::OpenItem, after(rest, 1)),
            ']' => (Token::CloseItem, after(rest, 1)),
            '"' => quoted(rest)?,
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn after(text: &str, length: usize) -> &str {
    text.get(length..).unwrap_or_default()
}

/// A text in quotation marks, as JSON has it.
fn quoted(text: &str) -> Result<(Token, &str), Invalid> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (literal, rest) = text.split_at(at.saturating_add(1));
                let literal = serde_json::from_str(literal).map_err(|_| invalid("a text is not written as in JSON"))?;
                return Ok((Token::Text(literal), rest));
            }
            _ => {}
        }
    }
    Err(invalid("a text has no end: a quotation mark is missing"))
}

fn word(text: &str) -> Result<(Token, &str), Invalid> {
    let of_word = |c: char| c.is_ascii_alphanumeric() || ".:_-$+".contains(c);
    let length = text.find(|c| !of_word(c)).unwrap_or(text.len());
    match text.split_at(length) {
        ("", rest) => {
            let character = rest.chars().next().unwrap_or_default();
            Err(invalid(format!("{character:?} has no meaning in a filter")))
        }
        (word, rest) => Ok((Token::Word(word.to_owned()), rest)),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    depth: usize,
    terms: usize,
}

impl Parser {
    /// Terms joined by `or`, which binds less than `and`.
    fn any(&mut self, attributes: Attributes) -> Result<Filter, Invalid> {
        let mut filters = vec![self.all(attributes)?];
        while self.takes_word("or") {
            filters.push(self.all(attributes)?);
        }
        Ok(joined(filters, Filter::Or))
    }

    fn all(&mut self, attributes: Attributes) -> Result<Filter, Invalid> {
        let mut filters = vec![self.one(attributes)?];
        while self.takes_word("and") {
            filters.push(self.one(attributes)?);
        }
        Ok(joined(filters, Filter::And))
    }

    fn one(&mut self, attributes: Attributes) -> Result<Filter, Invalid> {
        match self.tokens.next() {
            Some(Token::Open) => self.bracket(attributes, &Token::Close),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") => match self.tokens.next() {
                Some(Token::Open) => Ok(Filter::Not(Box::new(self.bracket(attributes, &Token::Close)?))),
                _ => Err(invalid("a bracket must follow `not`")),
            },
            Some(Token::Word(word)) => self.term(&word, attributes),
            Some(token) => Err(invalid(format!("{token} stands where an attribute should"))),
            None => Err(invalid("the filter ends where an attribute should stand")),
        }
    }

    /// The rest of a bracket, up to `end`.
    fn bracket(&mut self, attributes: Attributes, end: &Token) -> Result<Filter, Invalid> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(invalid(format!("brackets go deeper than {MAX_DEPTH}")));
        }
        let filter = self.any(attributes)?;
        self.depth = self.depth.saturating_sub(1);
        match self.tokens.next() {
            Some(token) if token == *end => Ok(filter),
            _ => Err(invalid(format!("a {end} is missing"))),
        }
    }

    fn term(&mut self, name: &str, attributes: Attributes) -> Result<Filter, Invalid> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > MAX_TERMS {
            return Err(invalid(format!("there are more than {MAX_TERMS} comparisons")));
        }
        if self.tokens.next_if_eq(&Token::OpenItem).is_some() {
            return self.item(name, attributes);
        }
        let attribute = find(name, attributes)?;
        self.comparison(attribute)
    }

    /// `emails[…]`, and `emails[…].value eq "x"`.
    fn item(&mut self, name: &str, attributes: Attributes) -> Result<Filter, Invalid> {
        let list = find(name, attributes)?.name;
        let parts = parts_of(list).ok_or_else(|| invalid(format!("{name} is no list, so [ cannot follow")))?;
        let filter = self.bracket(parts, &Token::CloseItem)?;
        let part = match self.tokens.peek() {
            Some(Token::Word(word)) => word.strip_prefix('.').map(str::to_owned),
            _ => None,
        };
        let Some(part) = part else {
            return Ok(Filter::Item(list, Box::new(filter)));
        };
        self.tokens.next();
        let compared = self.comparison(find(&part, parts)?)?;
        Ok(Filter::Item(list, Box::new(Filter::And(vec![filter, compared]))))
    }

    fn comparison(&mut self, attribute: Attribute) -> Result<Filter, Invalid> {
        let Some(Token::Word(operator)) = self.tokens.next() else {
            return Err(invalid(format!("no operator follows {}", attribute.written)));
        };
        let operator = match operator.to_ascii_lowercase().as_str() {
            "pr" => return Ok(Filter::Present(attribute)),
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "co" => Operator::Contains,
            "sw" => Operator::StartsWith,
            "ew" => Operator::EndsWith,
            _ => {
                let operator = shortened(&operator);
                return Err(invalid(format!(
                    "the operator {operator:?} is not offered; eq, ne, co, sw, ew and pr are"
                )));
            }
        };
        let literal = match self.tokens.next() {
            Some(Token::Text(text)) => Literal::Text(text),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "null" => Literal::Null,
                _ => return Err(invalid(format!("{:?} is no value; write text in quotation marks", shortened(&word)))),
            },
            _ => return Err(invalid(format!("no value follows {}", attribute.written))),
        };
        let of_truth = ["active", "primary"].contains(&attribute.part.unwrap_or(attribute.name));
        let literal = match literal {
            Literal::Text(text) if of_truth => match text.to_ascii_lowercase().as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => return Err(invalid(format!("{} is true or false", attribute.written))),
            },
            Literal::Bool(_) if !of_truth => return Err(invalid(format!("{} is text", attribute.written))),
            literal => literal,
        };
        if !matches!(literal, Literal::Text(_)) && !matches!(operator, Operator::Equal | Operator::NotEqual) {
            return Err(invalid("true, false and null are compared with eq and ne alone"));
        }
        Ok(Filter::Compare(attribute, operator, literal))
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted))).is_some()
    }
}

fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (filters.len(), filters.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            filters.extend(last);
            join(filters)
        }
    }
}

fn parts_of(list: &str) -> Option<Attributes> {
    match list {
        "emails" => Some(EMAIL),
        "members" => Some(MEMBER),
        _ => None,
    }
}

fn find(name: &str, attributes: Attributes) -> Result<Attribute, Invalid> {
    let lower = name.to_ascii_lowercase();
    let plain = super::super::patch::CORE.iter().find_map(|schema| lower.strip_prefix(schema)).unwrap_or(&lower);
    attributes.iter().find(|attribute| attribute.written == plain).copied().ok_or_else(|| {
        let known = attributes.iter().map(|attribute| attribute.written).collect::<Vec<_>>().join(", ");
        invalid(format!("{:?} cannot be asked for; these can: {known}", shortened(name)))
    })
}
