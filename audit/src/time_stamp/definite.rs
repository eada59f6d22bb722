//! Indefinite lengths, which signed data may have (RFC 5652 takes BER) and some authorities write: `80` in
//! place of a length, and `00 00` after what it is the length of. An octet string is then in pieces.

const CONSTRUCTED: u8 = 0x20;
const OCTETS: u8 = 0x04;
const INDEFINITE: u8 = 0x80;
const END: [u8; 2] = [0, 0];
/// Deeper than anything that is signed data.
const MOST_LEVELS: u8 = 64;

/// The same with definite lengths and octet strings in one piece: what is in DER stays as it is.
pub fn definite(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(bytes.len());
    match element(bytes, MOST_LEVELS, &mut out) {
        Some([]) => Ok(out),
        Some(_) => Err("something follows it".to_owned()),
        None => Err("it breaks off, or is no ASN.1".to_owned()),
    }
}

/// Takes over the first element, and gives what follows it.
fn element<'a>(bytes: &'a [u8], levels: u8, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let levels = levels.checked_sub(1)?;
    let (&tag, rest) = bytes.split_first()?;
    let is_constructed = tag & CONSTRUCTED != 0;
    // Tags of more than one byte are in nothing that is read here.
    if tag & 0x1F == 0x1F || tag == 0 {
        return None;
    }
    let mut inside = Vec::new();
    let after = match length(rest)? {
        (None, mut rest) if is_constructed => {
            while !rest.starts_with(&END) {
                rest = element(rest, levels, &mut inside)?;
            }
            &rest[END.len()..]
        }
        (None, _) => return None,
        (Some(length), rest) => {
            let (mut content, after) = rest.split_at_checked(length)?;
            if !is_constructed {
                inside.extend_from_slice(content);
            }
            while is_constructed && !content.is_empty() {
                content = element(content, levels, &mut inside)?;
            }
            after
        }
    };
    if tag == OCTETS | CONSTRUCTED {
        write(OCTETS, &joined(&inside)?, out);
    } else {
        write(tag, &inside, out);
    }
    Some(after)
}

/// What is in octet strings that follow one another.
fn joined(mut pieces: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some((tag, rest)) = pieces.split_first() {
        let (length, rest) = length(rest)?;
        let (piece, after) = rest.split_at_checked(length.filter(|_| *tag == OCTETS)?)?;
        whole.extend_from_slice(piece);
        pieces = after;
    }
    Some(whole)
}

/// A length as DER writes it, or none where it is indefinite; and what follows.
fn length(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < INDEFINITE {
        return Some((Some(first.into()), rest));
    }
    let (digits, rest) = rest.split_at_checked((first & !INDEFINITE).into())?;
    if digits.is_empty() {
        return Some((None, rest));
    }
    let length =
        digits.iter().try_fold(0_usize, |length, digit| Some(length.checked_mul(256)? + usize::from(*digit)))?;
    (digits[0] != 0 && length >= INDEFINITE.into()).then_some((Some(length), rest))
}

fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let digits = &length[content.len().leading_zeros() as usize / 8..];
    if content.len() >= INDEFINITE.into() {
        out.push(INDEFINITE | digits.len() as u8);
    }
    match content.len() {
        0 => out.push(0),
        _ => out.extend_from_slice(digits),
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_become_definite_and_der_stays_as_it_is() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        for der in [&[0x30, 0][..], &[0x05, 0], &[0x30, 5, 0x02, 1, 0, 0x04, 0], &[0x04, 0x81, 0x80], &long] {
            let der = [der, &[9; 128][..if der == [0x04, 0x81, 0x80] { 128 } else { 0 }]].concat();
            assert_eq!(definite(&der).as_ref(), Ok(&der));
        }
        let pieces = [0x30, 0x80, 0x24, 0x80, 0x04, 2, 1, 2, 0x24, 3, 0x04, 1, 3, 0, 0, 0x02, 1, 5, 0, 0];
        assert_eq!(definite(&pieces), Ok(vec![0x30, 8, 0x04, 3, 1, 2, 3, 0x02, 1, 5]));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0, 0],
            &[0x30, 0x80],
            &[0x30, 0x80, 0],
            &[0x30, 0x80, 0, 0, 0],
            &[0x04, 0x80, 0, 0],
            &[0x04, 0x81, 1, 1],
            &[0x04, 0x82, 0, 1, 1],
            &[0x24, 3, 0x02, 1, 1],
            &[0x1F, 1, 0],
            &[0x04, 0xFF],
            &[0x04, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x30; 300],
            &[0x30, 0x80].repeat(300),
        ] {
            assert!(definite(bytes).is_err(), "{bytes:?}");
        }
    }
}
