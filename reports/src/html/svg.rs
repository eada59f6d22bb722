//! The pictures of the page, drawn by hand in whole numbers: the sources against the clock, and totals by kind.

use std::fmt::Write as _;

use cuadre_rules::config::Language;
use jiff::{SignedDuration, Timestamp};

use crate::decimal::Decimal;
use crate::locale::Locale;
use crate::words::word;

const WIDTH: i64 = 960;
const LABEL: i64 = 230;
const ROW: i64 = 26;
/// How far from its mark a time reaches.
const TIME: i64 = 56;
/// Characters of a label that fit beside a picture.
const LABEL_LENGTH: usize = 30;

/// A source in the picture.
pub(super) struct Hand<'a> {
    pub(super) title: &'a str,
    pub(super) expected: Option<Timestamp>,
    pub(super) arrived: Option<Timestamp>,
    pub(super) cut_off: Option<Timestamp>,
    pub(super) is_received: bool,
    pub(super) is_late: bool,
}

/// The sources against the clock: `deadline` and the time of issue go through all of them.
pub(super) fn clock(hands: &[Hand<'_>], deadline: Timestamp, issued: Timestamp, locale: &Locale) -> String {
    const TOP: i64 = 90;
    let say = |key: &str| escaped(word(key, locale.language).unwrap_or_default());
    let axis = Axis::over(hands, deadline, issued, locale);
    let height = TOP + ROW * count(hands.len()) + 14;
    let mut svg = open("clock", height, &say("clock"), &clock_in_words(hands, deadline, locale));
    legend(&mut svg, locale);
    for (at, label, is_midnight) in axis.ticks(locale) {
        let x = axis.x(at);
        let class = if is_midnight { "day" } else { "tick" };
        put(&mut svg, format_args!("<path class=\"{class}\" d=\"M{x} {} V{}\"/>", TOP - 6, height - 8));
        put(&mut svg, format_args!("<text class=\"axis\" x=\"{x}\" y=\"{}\">{}</text>", TOP - 12, escaped(&label)));
    }
    for (n, hand) in hands.iter().enumerate() {
        let y = TOP + ROW * count(n) + ROW / 2;
        if n % 2 == 1 {
            put(
                &mut svg,
                format_args!("<rect class=\"band\" x=\"0\" y=\"{}\" width=\"{WIDTH}\" height=\"{ROW}\"/>", y - ROW / 2),
            );
        }
        label(&mut svg, hand.title, y);
        row(&mut svg, hand, y, &axis, locale);
    }
    for (at, name, y) in [(deadline, "deadline", 44), (issued, "issued", 60)] {
        if axis.has(at) {
            moment(
                &mut svg,
                name,
                (axis.x(at), y),
                (TOP - 8, height - 8),
                &format!("{} {}", say(name), locale.time(at)),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// A line through all rows, with its words beside its head.
fn moment(svg: &mut String, name: &str, (x, y): (i64, i64), (from, to): (i64, i64), words: &str) {
    let (beside, anchor) = if x > WIDTH - 150 { (x - 5, "end") } else { (x + 5, "start") };
    put(svg, format_args!("<path class=\"{name}\" d=\"M{x} {} V{} M{x} {from} V{to}\"/>", y - 10, y + 3));
    put(
        svg,
        format_args!("<text class=\"{name}-label\" x=\"{beside}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>"),
    );
}

/// What the clock's picture shows, in a sentence or two.
fn clock_in_words(hands: &[Hand<'_>], deadline: Timestamp, locale: &Locale) -> String {
    let arrived: Vec<Timestamp> = hands.iter().filter_map(|hand| hand.arrived.filter(|_| hand.is_received)).collect();
    let unknown = hands.iter().filter(|hand| hand.is_received && hand.arrived.is_none()).count();
    let absent = hands.iter().filter(|hand| !hand.is_received).count();
    let late = hands.iter().filter(|hand| hand.is_late).count();
    let (deadline, came) = (locale.moment(deadline), arrived.len());
    let between = match (arrived.iter().min(), arrived.iter().max()) {
        (Some(first), Some(last)) => {
            let (first, last) = (locale.moment(*first), locale.moment(*last));
            locale.pick(format!(" between {first} and {last}"), format!(" entre el {first} y el {last}"))
        }
        _ => String::new(),
    };
    locale.pick(
        format!("{came} sources arrived{between}; {late} late; {absent} not received; {unknown} at a time not known. Deadline {deadline}. The table below has the same times."),
        format!("{came} fuentes llegaron{between}; {late} tarde; {absent} no se recibieron; {unknown} a una hora que se desconoce. Plazo: {deadline}. La tabla siguiente tiene las mismas horas."),
    )
}

fn legend(svg: &mut String, locale: &Locale) {
    let mut x = 6;
    for key in ["arrived", "late", "expected", "cut_off"] {
        let words = word(&format!("legend.{key}"), locale.language).unwrap_or_default();
        mark(svg, key, x + 6, 14);
        put(svg, format_args!("<text class=\"legend\" x=\"{}\" y=\"18\">{}</text>", x + 18, escaped(words)));
        x += 40 + count(words.chars().count()) * 8;
    }
}

fn row(svg: &mut String, hand: &Hand<'_>, y: i64, axis: &Axis, locale: &Locale) {
    let marks = [(hand.expected, "expected"), (hand.cut_off, "cut_off")];
    let marks = marks.map(|(at, name)| (at.filter(|at| axis.has(*at)).map(|at| axis.x(at)), name));
    for (x, name) in marks {
        if let Some(x) = x {
            mark(svg, name, x, y);
        }
    }
    let say = |key: &str| escaped(word(key, locale.language).unwrap_or_default());
    let middle = y + 4;
    match (hand.is_received, hand.arrived) {
        (false, _) => put(
            svg,
            format_args!(
                "<text class=\"absent\" x=\"{}\" y=\"{middle}\">&#215; {}</text>",
                LABEL + 8,
                say("clock.not_received")
            ),
        ),
        (true, None) => put(
            svg,
            format_args!("<text class=\"unknown\" x=\"{}\" y=\"{middle}\">{}</text>", LABEL + 8, say("clock.unknown")),
        ),
        (true, Some(at)) if axis.has(at) => {
            let x = axis.x(at);
            mark(svg, if hand.is_late { "late" } else { "arrived" }, x, y);
            let covers = |from: i64, to: i64| marks.iter().any(|(x, _)| x.is_some_and(|x| (from..=to).contains(&x)));
            let is_better_there = covers(x + 4, x + TIME) && !covers(x - TIME, x - 4) && x - TIME > LABEL;
            let is_left = x > WIDTH - 90 || is_better_there;
            let (x, anchor) = if is_left { (x - 10, "end") } else { (x + 10, "start") };
            put(
                svg,
                format_args!(
                    "<text class=\"time\" x=\"{x}\" y=\"{middle}\" text-anchor=\"{anchor}\">{}</text>",
                    locale.time(at)
                ),
            );
        }
        // It lies outside of what the picture shows.
        (true, Some(at)) => {
            let late = if hand.is_late { " late" } else { "" };
            let (x, anchor, arrow) =
                if at < axis.start { (LABEL + 8, "start", "&#8592; ") } else { (WIDTH - 8, "end", "") };
            let (moment, after) = (locale.moment(at), if at < axis.start { "" } else { " &#8594;" });
            put(
                svg,
                format_args!(
                    "<text class=\"outside{late}\" x=\"{x}\" y=\"{middle}\" text-anchor=\"{anchor}\">{arrow}{moment}{after}</text>"
                ),
            );
        }
    }
}

/// A mark of its own shape, so that colour is not alone in telling them apart.
fn mark(svg: &mut String, name: &str, x: i64, y: i64) {
    match name {
        "arrived" => put(svg, format_args!("<circle class=\"arrived\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>")),
        "late" => put(svg, format_args!("<path class=\"late\" d=\"M{x} {} l7 7 l-7 7 l-7 -7 z\"/>", y - 7)),
        "expected" => put(svg, format_args!("<path class=\"expected\" d=\"M{x} {} v14\"/>", y - 7)),
        _ => put(svg, format_args!("<path class=\"cut-off\" d=\"M{} {} h4 v16 h-4\"/>", x - 4, y - 8)),
    }
}

/// The hours that a picture shows.
struct Axis {
    start: Timestamp,
    end: Timestamp,
}

impl Axis {
    /// Whole hours around every time that is within a day and a half before the deadline and half a day after it.
    fn over(hands: &[Hand<'_>], deadline: Timestamp, issued: Timestamp, locale: &Locale) -> Self {
        let hours = |hours| SignedDuration::from_hours(hours);
        let reach = |from: i64| deadline.checked_add(hours(from)).unwrap_or(deadline);
        let (first, last) = (reach(-36), reach(12));
        let times = hands.iter().flat_map(|hand| [hand.expected, hand.arrived, hand.cut_off]).flatten();
        let times: Vec<Timestamp> =
            times.chain([issued, deadline, reach(-2)]).filter(|at| (first..=last).contains(at)).collect();
        let (start, end) = (times.iter().min().copied(), times.iter().max().copied());
        let start = whole_hour(start.unwrap_or(deadline), locale);
        let end = end.unwrap_or(deadline).checked_add(SignedDuration::from_mins(75)).unwrap_or(deadline);
        Self { start, end: whole_hour(end, locale).max(start.checked_add(hours(3)).unwrap_or(start)) }
    }

    fn has(&self, at: Timestamp) -> bool {
        (self.start..=self.end).contains(&at)
    }

    fn x(&self, at: Timestamp) -> i64 {
        let (whole, part) = (self.end.as_second() - self.start.as_second(), at.as_second() - self.start.as_second());
        LABEL + part * (WIDTH - LABEL - 28) / whole.max(1)
    }

    /// At most a dozen hours with their labels, and whether a new day begins with them.
    fn ticks(&self, locale: &Locale) -> Vec<(Timestamp, String, bool)> {
        let span = (self.end.as_second() - self.start.as_second()) / 3_600;
        let step = [1, 2, 3, 4, 6, 12].into_iter().find(|step| span / step <= 12).unwrap_or(24);
        let mut ticks = Vec::new();
        let mut at = self.start;
        while at <= self.end {
            let local = at.to_zoned(locale.zone.clone());
            let is_midnight = local.hour() == 0 && local.minute() == 0;
            if i64::from(local.hour()) % step == 0 {
                let label = if is_midnight { locale.day_and_month(local.date()) } else { locale.time(at) };
                ticks.push((at, label, is_midnight));
            }
            let Ok(next) = at.checked_add(SignedDuration::from_hours(1)) else { break };
            at = next;
        }
        ticks
    }
}

/// The last whole hour of the local clock.
fn whole_hour(at: Timestamp, locale: &Locale) -> Timestamp {
    let local = at.to_zoned(locale.zone.clone());
    let past = i64::from(local.minute()) * 60 + i64::from(local.second());
    Timestamp::from_second(at.as_second() - past).unwrap_or(at)
}

/// A kind's totals in the picture.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) credits: String,
    pub(super) debits: String,
}

/// Credits to the right, debits to the left, a bar each.
pub(super) fn kinds(id: &str, currency: &str, bars: &[Bar], locale: &Locale) -> String {
    const TOP: i64 = 30;
    const CENTRE: i64 = 595;
    const LONGEST: i64 = 210;
    let say = |key: &str| escaped(word(key, locale.language).unwrap_or_default());
    let size = |text: &str| Decimal::parse(text).map_or(0, |decimal| decimal.units.unsigned_abs());
    let largest = bars.iter().flat_map(|bar| [size(&bar.credits), size(&bar.debits)]).max().unwrap_or(0);
    // Lengths are whole units of the picture: digits beyond these do not show.
    let fewer = |units: u128| if largest > 1 << 100 { units >> 40 } else { units };
    let length = |text: &str| -> i64 {
        let share = fewer(size(text)) * 210 / fewer(largest).max(1);
        i64::try_from(share).unwrap_or(LONGEST).max(i64::from(size(text) > 0))
    };
    let height = TOP + ROW * count(bars.len()) + 8;
    let about = match locale.language {
        Language::English => format!("Credits and debits in {currency} by kind. The table below has the same amounts."),
        Language::Spanish => {
            format!("Abonos y cargos en {currency} por tipo. La tabla siguiente tiene los mismos importes.")
        }
    };
    let mut svg = open(id, height, &format!("{}, {}", say("kinds"), escaped(currency)), &about);
    put(&mut svg, format_args!("<text class=\"currency\" x=\"6\" y=\"18\">{}</text>", escaped(currency)));
    put(&mut svg, format_args!("<text class=\"axis-left\" x=\"{}\" y=\"18\">{}</text>", CENTRE - 8, say("debits")));
    put(&mut svg, format_args!("<text class=\"axis-right\" x=\"{}\" y=\"18\">{}</text>", CENTRE + 8, say("credits")));
    for (n, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * count(n) + ROW / 2;
        label(&mut svg, &bar.label, y);
        let (left, right) = (length(&bar.debits), length(&bar.credits));
        if left > 0 {
            put(
                &mut svg,
                format_args!(
                    "<rect class=\"debits\" x=\"{}\" y=\"{}\" width=\"{left}\" height=\"14\"/>",
                    CENTRE - left,
                    y - 7
                ),
            );
            put(
                &mut svg,
                format_args!(
                    "<text class=\"left\" x=\"{}\" y=\"{}\">{}</text>",
                    CENTRE - left - 6,
                    y + 4,
                    locale.amount(&bar.debits)
                ),
            );
        }
        if right > 0 {
            put(
                &mut svg,
                format_args!(
                    "<rect class=\"credits\" x=\"{CENTRE}\" y=\"{}\" width=\"{right}\" height=\"14\"/>",
                    y - 7
                ),
            );
            put(
                &mut svg,
                format_args!(
                    "<text class=\"right\" x=\"{}\" y=\"{}\">{}</text>",
                    CENTRE + right + 6,
                    y + 4,
                    locale.amount(&bar.credits)
                ),
            );
        }
    }
    put(&mut svg, format_args!("<path class=\"day\" d=\"M{CENTRE} {} V{}\"/>", TOP - 6, height - 4));
    svg.push_str("</svg>");
    svg
}

fn open(id: &str, height: i64, title: &str, about: &str) -> String {
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" aria-labelledby=\"{id}-title {id}-about\">\
         <title id=\"{id}-title\">{title}</title><desc id=\"{id}-about\">{}</desc>",
        escaped(about)
    )
}

/// A text left of the picture, shortened to what fits.
fn label(svg: &mut String, text: &str, y: i64) {
    let short: String = match text.char_indices().nth(LABEL_LENGTH) {
        Some((end, _)) => format!("{}\u{2026}", text[..end].trim_end()),
        None => text.to_owned(),
    };
    put(svg, format_args!("<text class=\"label\" x=\"6\" y=\"{}\">{}</text>", y + 4, escaped(&short)));
}

fn put(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = svg.write_fmt(element);
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / ROW / 2)
}

/// Text that is no markup, in an element as in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // No control character may stand in a page.
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
