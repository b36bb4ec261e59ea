//! Values of each kind of personal data, made up at random: with right check digits, and of nobody.

use crate::Random;

pub(super) const FIRST: &[&str] = &[
    "James", "Mary", "Robert", "Patricia", "John", "Linda", "Michael", "Susan", "David", "Karen", "Carlos", "Lakshmi",
    "Wei", "Fatima", "Ahmed", "Olga", "Priya", "Sean", "Aoife", "Thabo", "Yuki", "Ingrid", "Pedro", "Chloe", "Hannah",
    "Oliver", "Amara", "Tomasz", "Leila", "Rajesh", "Emily", "Grace", "Noah", "Ethan", "Zoe", "Marcus", "Deborah",
    "Kenneth", "Brenda", "Victor",
];
pub(super) const LAST: &[&str] = &[
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Patel",
    "Khan",
    "O'Brien",
    "Nguyen",
    "Kowalski",
    "Okafor",
    "Singh",
    "Murphy",
    "Fernandez",
    "Schmidt",
    "Andersson",
    "Tanaka",
    "Dlamini",
    "Campbell",
    "Wright",
    "Hughes",
    "Thompson",
    "Walker",
    "Robinson",
    "Sharma",
    "Reddy",
    "Delgado",
    "Petrov",
    "Haddad",
    "McCarthy",
    "Stewart",
    "Bennett",
    "Foster",
    "Coleman",
    "Jenkins",
    "Perry",
    "Powell",
];
pub(super) const STREETS: &[&str] = &[
    "Elm Street",
    "Oak Avenue",
    "Kings Road",
    "Market Street",
    "Park Lane",
    "Maple Drive",
    "Church Road",
    "Hill Crescent",
    "Washington Boulevard",
    "Station Road",
    "Victoria Terrace",
    "Cedar Court",
    "Lakeview Drive",
    "Mill Lane",
    "Sunset Way",
    "Fifth Avenue",
    "Rose Close",
];
pub(super) const TOWNS: &[&str] = &[
    "Springfield",
    "Leeds",
    "Austin",
    "Toronto",
    "Dublin",
    "Cape Town",
    "Bristol",
    "Denver",
    "Portland",
    "Wellington",
    "Cardiff",
    "Boston",
];
pub(super) const WORDS: &[&str] = &[
    "blue", "horse", "tiger", "river", "coffee", "sunset", "rocket", "garden", "purple", "mountain", "lemon", "winter",
    "falcon", "copper",
];
pub(super) const HOSTS: &[&str] =
    &["example", "gmail", "outlook", "mailbox", "acme", "northwind", "contoso", "yahoo", "skyline"];

pub(super) fn pick<'a>(random: &mut Random, list: &[&'a str]) -> &'a str {
    list.get(random.below(list.len())).copied().unwrap_or("")
}

pub(super) fn digits(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
}

pub(super) fn letters(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| char::from(b'A' + random.below(26) as u8)).collect()
}

fn from(random: &mut Random, alphabet: &str, count: usize) -> String {
    let all: Vec<char> = alphabet.chars().collect();
    (0..count).map(|_| all[random.below(all.len())]).collect()
}

/// The first of `head` followed by each digit that `right` takes.
fn completed(head: &str, right: impl Fn(&str) -> bool) -> Option<String> {
    (0..10).map(|d| format!("{head}{d}")).find(|t| right(t))
}

fn until(mut make: impl FnMut() -> Option<String>) -> String {
    loop {
        if let Some(made) = make() {
            return made;
        }
    }
}

fn luhn(text: &str) -> bool {
    let mut sum = 0;
    for (i, d) in text.bytes().rev().map(|b| u32::from(b - b'0')).enumerate() {
        sum += if i % 2 == 0 {
            d
        } else if d > 4 {
            2 * d - 9
        } else {
            2 * d
        };
    }
    sum % 10 == 0
}

pub(super) fn card(random: &mut Random) -> String {
    let (prefix, length) =
        [("4", 16), ("4", 16), ("51", 16), ("55", 16), ("34", 15), ("37", 15), ("6011", 16), ("2221", 16)]
            [random.below(8)];
    until(|| completed(&format!("{prefix}{}", digits(random, length - 1 - prefix.len())), luhn))
}

pub(super) fn ssn(random: &mut Random) -> String {
    let area = 1 + random.below(665);
    format!("{area:03}{:02}{:04}", 1 + random.below(99), 1 + random.below(9_999))
}

pub(super) fn itin(random: &mut Random) -> String {
    format!("9{}{}{}", digits(random, 2), 70 + random.below(19), digits(random, 4))
}

pub(super) fn sin(random: &mut Random) -> String {
    until(|| completed(&format!("{}{}", 1 + random.below(7), digits(random, 7)), luhn))
}

pub(super) fn nhs(random: &mut Random) -> String {
    let right = |t: &str| {
        t.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * (10 - i as u32).max(1)).sum::<u32>() % 11 == 0
    };
    until(|| completed(&format!("{}{}", [4, 6, 7][random.below(3)], digits(random, 8)), right))
}

pub(super) fn aba(random: &mut Random) -> String {
    let right =
        |t: &str| t.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * [3, 7, 1][i % 3]).sum::<u32>() % 10 == 0;
    until(|| completed(&format!("{:02}{}", 1 + random.below(12), digits(random, 6)), right))
}

/// Verhoeff's tables as he printed them.
pub(super) fn aadhaar(random: &mut Random) -> String {
    const D: [&[u8; 10]; 10] = [
        b"0123456789",
        b"1234067895",
        b"2340178956",
        b"3401289567",
        b"4012395678",
        b"5987604321",
        b"6598710432",
        b"7659821043",
        b"8765932104",
        b"9876543210",
    ];
    const P: [&[u8; 10]; 8] = [
        b"0123456789",
        b"1576283094",
        b"5803796142",
        b"8916043527",
        b"9453126870",
        b"4286573901",
        b"2793806415",
        b"7046913258",
    ];
    let digit = |b: u8| usize::from(b - b'0');
    let right = |t: &str| t.bytes().rev().enumerate().fold(0, |c, (i, b)| digit(D[c][digit(P[i % 8][digit(b)])])) == 0;
    until(|| completed(&format!("{}{}", 2 + random.below(8), digits(random, 10)), right))
}

pub(super) fn iban(random: &mut Random) -> String {
    let country = ["GB", "DE", "FR", "IE"][random.below(4)];
    let body = match country {
        "GB" | "IE" => format!("{}{}", letters(random, 4), digits(random, 14)),
        "DE" => digits(random, 18),
        _ => digits(random, 23),
    };
    let value = |text: &str| {
        text.chars().fold(0u32, |r, c| {
            c.to_digit(36).map_or(r, |v| if v < 10 { (10 * r + v) % 97 } else { (100 * r + v) % 97 })
        })
    };
    let check = 98 - value(&format!("{body}{country}00"));
    format!("{country}{check:02}{body}")
}

pub(super) fn bic(random: &mut Random) -> String {
    format!("{}{}{}", letters(random, 4), ["GB", "US", "DE", "IN"][random.below(4)], from(random, "ABCDEFGHKLM2345", 2))
}

pub(super) fn nino(random: &mut Random) -> String {
    format!(
        "{}{}{}",
        ["AB", "JG", "CE", "HY", "WA", "PX"][random.below(6)],
        digits(random, 6),
        ["A", "B", "C", "D"][random.below(4)]
    )
}

pub(super) fn pan(random: &mut Random) -> String {
    format!("{}P{}{}{}", letters(random, 3), letters(random, 1), digits(random, 4), letters(random, 1))
}

pub(super) fn vin(random: &mut Random) -> String {
    let value = |c: char| match c {
        '0'..='9' => c as u32 - '0' as u32,
        'A'..='H' => c as u32 - 'A' as u32 + 1,
        'J'..='R' => c as u32 - 'J' as u32 + 1,
        _ => c as u32 - 'S' as u32 + 2,
    };
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let body = format!(
        "{}0{}",
        from(random, "123456789ABCDEFGHJKLMNPRSTUVWXYZ", 8),
        from(random, "0123456789ABCDEFGHJKLMNPRSTUVWXYZ", 8)
    );
    let sum = body.chars().zip(WEIGHTS).map(|(c, w)| value(c) * w).sum::<u32>() % 11;
    let check = if sum == 10 { 'X' } else { char::from(b'0' + sum as u8) };
    body.chars().enumerate().map(|(i, c)| if i == 8 { check } else { c }).collect()
}

pub(super) fn access_key(random: &mut Random) -> String {
    format!("AKIA{}", from(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))
}

pub(super) fn secret_key(random: &mut Random) -> String {
    let body = from(random, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+", 37);
    format!("{body}9aZ")
}

/// A number of nobody's: the ranges that NANPA and Ofcom keep for drama, and the shape of an Indian one.
pub(super) fn phone(random: &mut Random) -> (String, &'static [usize]) {
    match random.below(4) {
        0 | 1 => (
            format!("{}555{:04}", ["212", "415", "303", "617", "512"][random.below(5)], 100 + random.below(100)),
            &[3, 3, 4],
        ),
        2 => (format!("07700900{}", digits(random, 3)), &[5, 3, 3]),
        _ => (format!("020794605{}", digits(random, 2)), &[3, 4, 4]),
    }
}
