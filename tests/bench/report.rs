//! What a benchmark has found: a table for people, JSON for scripts, and the section of docs/benchmarks.md.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use kubegate_tests::{files, paths};
use serde_json::{Map, Value, json};

/// A benchmark's findings.
pub(crate) struct Report {
    name: &'static str,
    figures: Map<String, Value>,
    tables: String,
    summary: Option<String>,
    chart: Option<String>,
}

impl Report {
    /// Nothing found yet by the benchmark `name`.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, figures: Map::new(), tables: String::new(), summary: None, chart: None }
    }

    /// Adds a figure for scripts.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Adds a table for people.
    pub(crate) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
        for row in [&header, &rule].into_iter().chain(rows) {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(self.tables, "| {} |", cells.join(" | "));
        }
        self.tables.push('\n');
    }

    /// Adds a line for people.
    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.tables, "{text}\n");
    }

    /// What README.md says of it, in Markdown.
    pub(crate) fn summary(&mut self, text: String) {
        self.summary = Some(text);
    }

    /// A picture, as SVG.
    pub(crate) fn chart(&mut self, svg: String) {
        self.chart = Some(svg);
    }

    /// All of it for people, in Markdown.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.tables, machine().text())
    }

    /// All of it for scripts.
    pub(crate) fn json(&self) -> Value {
        let mut content = self.figures.clone();
        content.insert("machine".to_owned(), machine().json());
        Value::Object(content)
    }

    /// Writes target/bench/NAME.json, and NAME.svg beside it when there is a chart.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        let dir = paths::root().join("target/bench");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{}.json", self.name));
        files::replace(&path, format!("{:#}\n", self.json()).as_bytes())?;
        if let Some(svg) = &self.chart {
            files::replace(&path.with_extension("svg"), svg.as_bytes())?;
        }
        Ok(path)
    }

    /// Puts the tables between this benchmark's marks in docs/benchmarks.md, a summary between those in README.md, and the
    /// chart into docs/images.
    pub(crate) fn record(&self) -> Result<Vec<PathBuf>> {
        let mut written = vec![self.put(paths::root().join("docs/benchmarks.md"), &self.text())?];
        if let Some(summary) = &self.summary {
            written.push(self.put(paths::root().join("README.md"), &format!("{summary}\n{}", machine().text()))?);
        }
        if let Some(svg) = &self.chart {
            let path = paths::root().join(format!("docs/images/{}.svg", self.name));
            fs::write(&path, svg)?;
            written.push(path);
        }
        Ok(written)
    }

    /// Puts `content` between this benchmark's marks in the file `path`.
    fn put(&self, path: PathBuf, content: &str) -> Result<PathBuf> {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let (begin, end) = (format!("<!-- {}: begin -->\n", self.name), format!("<!-- {}: end -->", self.name));
        let marks = || format!("{} has no {begin:?} before {end:?}", path.display());
        let (before, behind) = text.split_once(&begin).with_context(marks)?;
        let (_, after) = behind.split_once(&end).with_context(marks)?;
        fs::write(&path, format!("{before}{begin}\n{content}\n{end}{after}"))?;
        Ok(path)
    }
}

/// Where it was measured.
struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
}

impl Machine {
    fn text(&self) -> String {
        let Self { processor, cores, memory_gib, kernel } = self;
        format!("Measured on {cores} cores of {processor}, {memory_gib} GiB of memory, Linux {kernel}.\n")
    }

    fn json(&self) -> Value {
        let Self { processor, cores, memory_gib, kernel } = self;
        json!({"processor": processor, "cores": cores, "memory_gib": memory_gib, "kernel": kernel})
    }
}

fn processors() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count()
}

fn machine() -> Machine {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let kib = field("/proc/meminfo", "MemTotal").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    Machine {
        processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unnamed processor".to_owned()),
        // All that there are, whichever this process is bound to.
        cores: processors().max(1),
        memory_gib: kib.unwrap_or(0).div_ceil(1 << 20),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
    }
}
