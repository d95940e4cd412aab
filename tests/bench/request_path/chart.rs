//! A chart of bars, readable on light and dark pages.

use std::fmt::Write as _;

const NAMES: f64 = 210.0;
const BARS: f64 = 470.0;
const ROW: f64 = 24.0;
const TOP: f64 = 44.0;

/// The bars' colours: Envoy's own, an authorization service, ours. Both kinds of page leave them their contrast.
fn colour(name: &str) -> &'static str {
    match name.split('_').next() {
        Some("kubegate") => "#2f81f7",
        Some("ext") => "#d9822b",
        _ => "#8b949e",
    }
}

/// An SVG with a bar for each name, in microseconds.
pub(super) fn bars(values: &[(&str, f64)]) -> String {
    let most = values.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let (width, height) = (NAMES + BARS + 80.0, TOP + ROW * values.len() as f64 + 8.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"CPU microseconds of a request above the bare router\">\n\
         <style>text{{font:13px system-ui,sans-serif;fill:#1f2328}}.title{{font-weight:600}}.page{{fill:#fff}}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.page{{fill:#0d1117}}}}</style>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n\
         <text class=\"title\" x=\"12\" y=\"24\">CPU µs of a request above the bare router</text>\n"
    );
    for (row, (name, value)) in values.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let long = (value / most * BARS).max(1.0);
        let (text, number, colour) = (top + 15.0, NAMES + long + 6.0, colour(name));
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{NAMES}\" y=\"{}\" width=\"{long:.1}\" height=\"16\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{number:.1}\" y=\"{text}\">{value:.1}</text>",
            NAMES - 10.0,
            top + 3.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
