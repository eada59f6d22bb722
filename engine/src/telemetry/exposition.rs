//! Metrics as text: Prometheus' exposition format, version 0.0.4.
//!
//! It is written here rather than by a library: those at hand write its successor, OpenMetrics, which
//! node_exporter's textfile collector does not read, and take floats.

use std::fmt::Write;

/// A text with metrics in the making.
pub struct Exposition {
    text: String,
    /// What every sample has.
    series: String,
}

impl Exposition {
    /// Metrics of this series.
    pub fn of(series: &str) -> Self {
        Self { text: String::new(), series: label("series", series) }
    }

    /// Begins a metric, a gauge; its samples follow.
    pub fn gauge(&mut self, name: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    /// A sample of the metric, with further labels.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text += name;
        self.text.push('{');
        self.text += &self.series;
        for (name, value) in labels {
            self.text.push(',');
            self.text += &label(name, value);
        }
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "}} {value}");
    }

    /// A metric of one sample.
    pub fn single(&mut self, name: &str, help: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.gauge(name, help);
            self.sample(name, &[], value);
        }
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.text
    }

    /// The value of a sample without further labels in a text that was written before.
    pub fn find<'a>(&self, text: &'a str, name: &str) -> Option<&'a str> {
        let before = format!("{name}{{{}}} ", self.series);
        text.lines().find_map(|line| line.strip_prefix(&before))
    }
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_found_again() {
        let mut text = Exposition::of("a\\b\"c\nd");
        text.single("x_seconds", "of a\nnight", Some(5));
        text.gauge("y", "per part");
        text.sample("y", &[("part", "one")], 1);
        let series = r#"series="a\\b\"c\nd""#;
        let found = Exposition::of("a\\b\"c\nd");
        let text = text.finish();
        let lines = [
            "# HELP x_seconds of a\\nnight",
            "# TYPE x_seconds gauge",
            &format!("x_seconds{{{series}}} 5"),
            "# HELP y per part",
            "# TYPE y gauge",
            &format!("y{{{series},part=\"one\"}} 1"),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
        assert_eq!(found.find(&text, "x_seconds"), Some("5"));
        assert_eq!(found.find(&text, "y"), None);
    }
}
