//! How lines break, and what no terminal may be sent.

use proptest::prelude::*;

use super::*;

#[test]
fn lines_break_at_spaces() {
    assert_eq!(wrapped("uno dos tres", 8), ["uno dos", "tres"]);
    assert_eq!(wrapped("uno dos tres", 7), ["uno dos", "tres"]);
    assert_eq!(wrapped("uno dos tres", 6), ["uno", "dos", "tres"]);
    assert_eq!(wrapped("año: incomprehensibilities", 5), ["año:", "incomprehensibilities"]);
    assert_eq!(wrapped("incomprehensibilities no", 5), ["incomprehensibilities", "no"]);
    assert_eq!(wrapped("", 5), [""]);
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let mut page = Page::new(Paper::FILE);
    page.heading("Años");
    let rows = [["id", "importe"], ["ñ", "1.00"], ["largo", "\u{1b}[31m-12.00"]];
    page.table(&[Align::Left, Align::Right], &rows.map(|row| row.map(str::to_owned).to_vec()));
    page.named(6, "x", "y");
    assert_eq!(page.text, "Años\n  id         importe\n  ñ             1.00\n  largo  ␛[31m-12.00\n  x       y\n");
}

#[test]
fn headings_alone_are_styled() {
    let mut page = Page::new(Paper { width: 20, styled: true });
    page.heading("a\u{1b}b");
    page.words(2, "c\u{1b}d");
    assert_eq!(page.text, "\u{1b}[1ma␛b\u{1b}[0m\n  c␛d\n");
}

proptest! {
    /// Every word is there, and a line is longer than the page only where it is one word.
    #[test]
    fn wrapping_loses_nothing(words in prop::collection::vec("[a-zñ]{1,12}", 0..30), width in 1usize..40) {
        let text = words.join(" ");
        let lines = wrapped(&text, width);
        prop_assert_eq!(lines.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>(), words.iter().map(String::as_str).collect::<Vec<_>>());
        for (n, line) in lines.iter().enumerate() {
            prop_assert!(length(line) <= width || !line.contains(' '), "{}", line);
            let next = lines.get(n + 1).and_then(|next| next.split(' ').next());
            prop_assert!(next.is_none_or(|next| length(line) + 1 + length(next) > width), "{} could take more", line);
        }
    }
}
