//! Check digits, and what else the structure of a number says. All take upper-case letters and digits only.

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + Clone {
    text.chars().filter_map(|c| c.to_digit(10))
}

pub(super) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Luhn's algorithm (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(text: &str) -> bool {
    let sum: u32 =
        digits(text).rev().enumerate().map(|(i, d)| if i % 2 == 1 { 2 * d / 10 + 2 * d % 10 } else { d }).sum();
    all_digits(text) && sum.is_multiple_of(10) && text.bytes().any(|b| b != b'0')
}

/// A card's number: 13 to 19 digits, an issuer's first digits (Maestro, Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay,
/// RuPay, Mir), Luhn.
pub(super) fn card(text: &str) -> bool {
    (13..=19).contains(&text.len()) && text.starts_with(['2', '3', '4', '5', '6', '8']) && luhn(text)
}

/// Weighted sum of the digits.
fn weighted(text: &str, weights: &[u32]) -> u32 {
    digits(text).zip(weights).map(|(d, w)| d * w).sum()
}

/// American routing number: 3 7 1, modulo 10; the first two digits are of a Federal Reserve bank, a thrift or an electronic one.
pub(super) fn aba(text: &str) -> bool {
    let first = text.get(..2).and_then(|t| t.parse::<u32>().ok()).unwrap_or(99);
    let district = matches!(first, 1..=12 | 21..=32 | 61..=72 | 80);
    all_digits(text) && text.len() == 9 && district && weighted(text, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Social Security number: no area 000, 666 or 9xx, no group 00, no serial 0000 (SSA, since 2011).
pub(super) fn ssn(text: &str) -> bool {
    let (Some(area), Some(group), Some(serial)) = (text.get(..3), text.get(3..5), text.get(5..)) else { return false };
    all_digits(text)
        && text.len() == 9
        && !matches!(area, "000" | "666")
        && !area.starts_with('9')
        && group != "00"
        && serial != "0000"
}

/// American taxpayer number: 9xx, and the groups that the IRS has given out.
pub(super) fn itin(text: &str) -> bool {
    let group = text.get(3..5).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
    all_digits(text)
        && text.len() == 9
        && text.starts_with('9')
        && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// NHS number: ten digits, weights 10 to 2, modulo 11 (NHS Data Dictionary).
pub(super) fn nhs(text: &str) -> bool {
    if !all_digits(text) || text.len() != 10 {
        return false;
    }
    let check = (11 - weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    check != 10 && digits(text).next_back() == Some(check)
}

/// Verhoeff's algorithm (1969), of the Aadhaar number: twelve digits, the first 2 to 9.
pub(super) fn aadhaar(text: &str) -> bool {
    // Multiplication in the dihedral group of order ten: rotations 0-4, reflections 5-9.
    let multiply = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |times: usize, digit: usize| (0..times).fold(digit, |d, _| PERMUTATION.get(d).copied().unwrap_or(0));
    let sum = digits(text).rev().enumerate().fold(0, |c, (i, d)| multiply(c, permuted(i % 8, d as usize) as u32));
    all_digits(text) && text.len() == 12 && text.starts_with(['2', '3', '4', '5', '6', '7', '8', '9']) && sum == 0
}

/// What a character is worth in IBANs and vehicle numbers.
fn worth(c: char) -> u32 {
    c.to_digit(36).unwrap_or(0)
}

/// IBAN: modulo 97 (ISO 7064), two letters, two digits, 15 to 34 characters.
pub(super) fn iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = (15..=34).contains(&bytes.len())
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit);
    if !shape || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let moved = text.chars().skip(4).chain(text.chars().take(4));
    moved.fold(0, |r, c| if c.is_ascii_digit() { (10 * r + worth(c)) % 97 } else { (100 * r + worth(c)) % 97 }) == 1
}

/// BIC: bank (4 letters), country (2 letters), place (2), branch (3 or none) (ISO 9362).
pub(super) fn bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().take(6).all(u8::is_ascii_uppercase)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
}

/// Letters (`A`), digits (`9`) and either (`?`), in that order.
pub(super) fn shape(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(b, p)| match p {
            b'A' => b.is_ascii_uppercase(),
            b'9' => b.is_ascii_digit(),
            _ => b.is_ascii_alphanumeric(),
        })
}

/// National Insurance number: two letters but those that HMRC does not use, six digits, A to D.
pub(super) fn nino(text: &str) -> bool {
    let unused = ["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"];
    shape(text, "AA999999A")
        && !text.starts_with(['D', 'F', 'I', 'Q', 'U', 'V'])
        && !text.get(1..2).is_some_and(|c| "DFIOQUV".contains(c))
        && !unused.iter().any(|u| text.starts_with(u))
        && text.ends_with(['A', 'B', 'C', 'D'])
}

/// Indian PAN: five letters, the fourth the kind of holder, four digits, a letter.
pub(super) fn pan(text: &str) -> bool {
    shape(text, "AAAAA9999A") && text.get(3..4).is_some_and(|c| "ABCFGHJLPT".contains(c))
}

/// Vehicle number: 17 characters without I, O and Q, and the check digit of 49 CFR 565.15.
pub(super) fn vin(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |c: char| match c {
        '0'..='9' => worth(c),
        'A'..='H' => worth(c) - 9,
        'J'..='N' => worth(c) - 18,
        'P' => 7,
        'R' => 9,
        'S'..='Z' => worth(c) - 26,
        _ => 0,
    };
    let allowed = text.len() == 17 && text.chars().all(|c| c.is_ascii_alphanumeric() && !"IOQ".contains(c));
    let rest = text.chars().zip(WEIGHTS).map(|(c, w)| value(c) * w).sum::<u32>() % 11;
    let check = if rest == 10 { 'X' } else { char::from_digit(rest, 10).unwrap_or('?') };
    allowed && text.chars().nth(8) == Some(check)
}

/// North American number: ten digits, area and exchange from 2, no area x11; or eleven with 1 before them (NANPA).
pub(super) fn nanp(text: &str) -> bool {
    let ten = if text.len() == 11 { text.strip_prefix('1').unwrap_or("") } else { text };
    let from_two = |at: usize| ten.as_bytes().get(at).is_some_and(|b| (b'2'..=b'9').contains(b));
    all_digits(ten) && ten.len() == 10 && from_two(0) && from_two(3) && ten.get(1..3) != Some("11")
}

/// Month and year of a card: 3 to 6 digits.
pub(super) fn expiry(text: &str) -> bool {
    let month = |t: &str| t.parse::<u32>().is_ok_and(|m| (1..=12).contains(&m));
    all_digits(text)
        && match text.len() {
            3 => month(&text[..1]),
            4 => month(&text[..2]),
            5 => month(&text[..1]) && text[1..].starts_with("20"),
            6 => month(&text[..2]) && text[2..].starts_with("20"),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_every_changed_digit_of_theirs_fails() {
        // Test numbers of the issuers, of ISO 13616, HMRC, NHS, UIDAI, the Federal Reserve and 49 CFR 565.
        type Check = fn(&str) -> bool;
        let cases: [(Check, &[&str]); 6] = [
            (card, &["4111111111111111", "378282246310005", "5555555555554444", "6011111111111117", "30569309025904"]),
            (iban, &["GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947"]),
            (nhs, &["9434765919", "4505577104"]),
            (aadhaar, &["234567890124", "999941057058"]),
            (aba, &["021000021", "121000358", "011401533"]),
            (vin, &["1M8GDM9AXKP042788", "11111111111111111"]),
        ];
        for (check, examples) in cases {
            for example in examples {
                assert!(check(example), "{example}");
                for (i, c) in example.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
                    let other = char::from_digit((c.to_digit(10).unwrap_or(0) + 1) % 10, 10).unwrap_or('0');
                    let changed = format!("{}{other}{}", &example[..i], &example[i + 1..]);
                    // A routing number's first two digits and a year's may also leave the range; either way it fails.
                    assert!(!check(&changed), "{changed} of {example}");
                }
            }
        }
    }

    #[test]
    fn structures_without_check_digits() {
        for (good, bad, check) in [
            ("078051120", "666051120", ssn as fn(&str) -> bool),
            ("078051120", "078001120", ssn),
            ("078051120", "078050000", ssn),
            ("900701234", "900931234", itin),
            ("AB123456C", "QQ123456C", nino),
            ("JG103759A", "BG103759A", nino),
            ("ABCPE1234F", "ABCDE1234F", pan),
            ("DEUTDEFF", "DEUTDEF", bic),
            ("2125551234", "1125551234", nanp),
            ("12125551234", "22125551234", nanp),
            ("0427", "1327", expiry),
            ("112027", "002027", expiry),
            ("627", "027", expiry),
        ] {
            assert!(check(good) && !check(bad), "{good} {bad}");
        }
        assert!(!luhn("0000000000000000") && !luhn("") && !ssn("12345678") && !nhs("943476591") && !iban("GB82"));
    }
}
