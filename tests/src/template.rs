//! Files with `${NAME}` in them, as envoy-config/ has them.

use anyhow::{Result, bail};

/// `text` with every `${NAME}` replaced, but not in comments; a name without a value is an error.
pub fn render(text: &str, values: &[(&str, &str)]) -> Result<String> {
    text.split_inclusive('\n')
        .map(|line| if line.trim_start().starts_with('#') { Ok(line.to_owned()) } else { render_line(line, values) })
        .collect()
}

fn render_line(text: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}') else { bail!("`${{` without its `}}`") };
        let Some((_, value)) = values.iter().find(|(key, _)| *key == name) else { bail!("no value for ${{{name}}}") };
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_every_name_and_knows_what_is_missing() {
        assert_eq!(render("a ${X} b ${Y}${X}", &[("X", "1"), ("Y", "2")]).unwrap(), "a 1 b 21");
        assert!(render("${Z}", &[]).unwrap_err().to_string().contains("${Z}"));
    }
}
