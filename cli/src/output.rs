//! What reaches the terminal: results on stdout, everything said to the person on stderr.

use std::io::{self, Write};

/// Writes `text` to stdout as it is.
pub(crate) fn result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a value as indented JSON to stdout.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    text.push('\n');
    result(&text)
}

/// Says something to the person. Where nobody listens, that is no reason to fail.
pub(crate) fn say(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Lines up rows of cells in columns, two blanks apart.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Makes text from elsewhere safe for a terminal: no control characters, and not endless.
pub(crate) fn printable(text: &str) -> String {
    const LIMIT: usize = 500;
    let mut clean: String =
        text.chars().take(LIMIT).map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().nth(LIMIT).is_some() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_columns() {
        let rows = vec![vec!["NAME".into(), "SERVER".into()], vec!["production".into(), "https://a".into()]];
        assert_eq!(table(&rows), "NAME        SERVER\nproduction  https://a\n");
    }

    #[test]
    fn takes_escape_sequences_out() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a [31mb ");
        assert_eq!(printable(&"x".repeat(600)).chars().count(), 501);
    }
}
