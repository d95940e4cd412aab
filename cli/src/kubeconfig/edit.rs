//! The change on the text: lines go in where they belong, all others stay as they are.

use saphyr::{Yaml, YamlEmitter};

/// A kubeconfig in block style, as lines.
#[derive(Debug)]
pub(super) struct Text {
    lines: Vec<String>,
    newline: &'static str,
}

impl Text {
    /// Takes `text` apart.
    pub(super) fn new(text: &str) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { lines: text.lines().map(str::to_owned).collect(), newline }
    }

    /// Puts an item into a list: at `index` instead of what is there, else at the end.
    pub(super) fn put(&mut self, list: &str, index: Option<usize>, item: &Yaml<'_>) {
        let Some(key) = self.top_level(list) else {
            let end = self.lines.len();
            self.splice(end, end, &[&[format!("{list}:")], item_lines(item, 0).as_slice()].concat());
            return;
        };
        self.open_list(key, list);
        let end = self.section_end(key);
        let dashes = self.dashes(key + 1, end);
        let indent = dashes.first().and_then(|&line| self.lines.get(line)).map_or(0, |line| indent_of(line));
        let (from, to) = match index.and_then(|index| dashes.get(index).map(|&from| (index, from))) {
            Some((index, from)) => (from, self.item_end(from, dashes.get(index + 1).copied().unwrap_or(end))),
            None => (end, end),
        };
        self.splice(from, to, &item_lines(item, indent));
    }

    /// Names the current context.
    pub(super) fn set_current(&mut self, context: &str) {
        let value = scalar(context);
        match self.top_level("current-context") {
            Some(line) => {
                if let Some(text) = self.lines.get_mut(line) {
                    let comment = text.find(" #").map(|at| text.split_off(at)).unwrap_or_default();
                    *text = format!("current-context: {value}{comment}");
                }
            }
            None => self.lines.push(format!("current-context: {value}")),
        }
    }

    /// Puts in front what every kubeconfig begins with.
    pub(super) fn complete(&mut self) {
        let at = self.lines.iter().take_while(|line| is_filler(line) || line.starts_with("---")).count();
        let at = if at == self.lines.len() { 0 } else { at };
        self.splice(at, at, &["apiVersion: v1".to_owned(), "kind: Config".to_owned()]);
    }

    /// The text again, with a line break at its end.
    pub(super) fn finish(self) -> String {
        let mut text = self.lines.join(self.newline);
        text.push_str(self.newline);
        text
    }

    fn splice(&mut self, from: usize, to: usize, new: &[String]) {
        self.lines.splice(from..to, new.iter().cloned());
    }

    fn top_level(&self, key: &str) -> Option<usize> {
        self.lines.iter().position(|line| {
            line.strip_prefix(key)
                .and_then(|rest| rest.strip_prefix(':'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        })
    }

    /// Turns `users: []` into `users:`, which items can follow.
    fn open_list(&mut self, key: usize, list: &str) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let rest = line.get(list.len() + 1..).unwrap_or_default();
        let (value, comment) = rest.find(" #").map_or((rest, ""), |at| rest.split_at(at));
        if matches!(value.trim(), "[]" | "null" | "~") {
            *line = format!("{list}:{comment}");
        }
    }

    /// The line after the last one that belongs to the list below `key`; comments and blank lines
    /// before the next key belong to that one.
    fn section_end(&self, key: usize) -> usize {
        let next = self
            .lines
            .iter()
            .enumerate()
            .skip(key + 1)
            .find(|(_, line)| !is_filler(line) && indent_of(line) == 0 && !is_dash(line))
            .map_or(self.lines.len(), |(at, _)| at);
        self.item_end(key, next)
    }

    /// `end` without the comments and blank lines before it.
    fn item_end(&self, from: usize, end: usize) -> usize {
        let mut end = end;
        while end > from + 1 && self.lines.get(end - 1).is_some_and(|line| is_filler(line)) {
            end -= 1;
        }
        end
    }

    /// Where the items of a list begin.
    fn dashes(&self, from: usize, to: usize) -> Vec<usize> {
        let lines = || (from..to).filter(|&at| self.lines.get(at).is_some_and(|line| is_dash(line.trim_start())));
        let indent = |at: usize| self.lines.get(at).map(|line| indent_of(line));
        let first = lines().next().and_then(indent);
        lines().filter(|&at| indent(at) == first).collect()
    }
}

/// A whole document in block style, with every text in quotes: readers of YAML 1.1 take more for numbers and dates than
/// those of 1.2.
pub(super) fn rewrite(document: &Yaml<'_>) -> String {
    dump(document, true)
}

fn emit(document: &Yaml<'_>) -> String {
    dump(document, false)
}

fn dump(document: &Yaml<'_>, quoted: bool) -> String {
    let mut text = String::new();
    let mut emitter = YamlEmitter::new(&mut text);
    emitter.multiline(true);
    emitter.quoted_value(quoted);
    if emitter.dump(document).is_err() {
        return String::new();
    }
    let mut text = text.strip_prefix("---\n").unwrap_or(&text).to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn item_lines(item: &Yaml<'_>, indent: usize) -> Vec<String> {
    emit(item)
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let lead = if at == 0 { "- " } else { "  " };
            let line = if line.is_empty() { String::new() } else { format!("{:indent$}{lead}{line}", "") };
            line.trim_end().to_owned()
        })
        .collect()
}

fn scalar(text: &str) -> String {
    emit(&Yaml::Value(saphyr::Scalar::String(text.into()))).trim_end().to_owned()
}

fn is_filler(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn is_dash(line: &str) -> bool {
    line == "-" || line.starts_with("- ")
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
