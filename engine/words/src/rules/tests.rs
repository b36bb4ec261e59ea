use super::super::transcript::{Turn, Word};
use super::*;

/// A call from lines, even ones the agent's; half a second a word.
fn call(lines: &[&str]) -> Transcript {
    let mut now = 0;
    let turns = lines.iter().enumerate().map(|(i, line)| Turn {
        speaker: i % 2,
        channel: None,
        words: line
            .split_whitespace()
            .map(|w| {
                now += 500;
                Word { text: w.into(), begin_ms: now - 500, end_ms: now - 20 }
            })
            .collect(),
    });
    Transcript::new(turns.collect()).unwrap_or_else(|e| unreachable!("{e}"))
}

/// What is found, as entity and the words covered.
fn found(lines: &[&str]) -> Vec<(Entity, String)> {
    let call = call(lines);
    let text = |f: &Finding| {
        let words = f.places.iter().flat_map(|p| &call.turns()[p.turn].words[p.words.clone()]);
        words.map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    find(&call, &recognised()).iter().map(|f| (f.entity, text(f))).collect()
}

#[test]
fn spoken_numbers_are_found_whole() {
    use Entity::*;
    let card = "four one one one one one one one one one one one one one one one";
    for (lines, entity, words) in [
        (vec!["what is your card number", &format!("it is {card} thanks")[..]], CreditDebitNumber, card),
        (
            vec!["go ahead", "forty-one eleven double one eleven eleven eleven quadruple one"],
            CreditDebitNumber,
            "forty-one eleven double one eleven eleven eleven quadruple one",
        ),
        (vec!["", "my card is 4111 1111 1111 1111."], CreditDebitNumber, "4111 1111 1111 1111."),
        (vec!["", "4111-1111-1111-1111"], CreditDebitNumber, "4111-1111-1111-1111"),
        (vec!["and the security code", "one two three"], CreditDebitCvv, "one two three"),
        (vec!["the expiration date please", "oh four twenty seven"], CreditDebitExpiry, "oh four twenty seven"),
        (vec!["", "my pin is nine oh two one"], Pin, "nine oh two one"),
        (vec!["your social", "oh seven eight oh five one one two oh"], Ssn, "oh seven eight oh five one one two oh"),
        (
            vec!["routing number", "zero two one zero zero zero zero two one"],
            BankRouting,
            "zero two one zero zero zero zero two one",
        ),
        (
            vec!["your account number", "double seven three four one two nine"],
            BankAccountNumber,
            "double seven three four one two nine",
        ),
        (
            vec!["", "you can reach me at five five five two one three four five six seven"],
            Phone,
            "five five five two one three four five six seven",
        ),
        (vec!["", "two one two five five five oh one nine nine"], Phone, "two one two five five five oh one nine nine"),
        (
            vec!["national insurance number", "a b one two three four five six c"],
            UkNationalInsuranceNumber,
            "a b one two three four five six c",
        ),
        (
            vec!["", "g b eight two w e s t one two three four five six nine eight seven six five four three two"],
            Iban,
            "g b eight two w e s t one two three four five six nine eight seven six five four three two",
        ),
        (
            vec!["aadhaar number", "two three four five six seven eight nine oh one two four"],
            InAadhaar,
            "two three four five six seven eight nine oh one two four",
        ),
        (
            vec!["license plate", "seven a bravo c as in charlie one two three"],
            LicensePlate,
            "seven a bravo c as in charlie one two three",
        ),
        (
            vec!["passport", "x one two three four five six seven"],
            PassportNumber,
            "x one two three four five six seven",
        ),
    ] {
        let lines: Vec<&str> = lines.into_iter().map(|l| if l.is_empty() { "hello" } else { l }).collect();
        assert_eq!(found(&lines), [(entity, words.to_owned())], "{lines:?}");
    }
}

#[test]
fn numbers_over_turns_interruptions_and_corrections_are_one() {
    use Entity::*;
    let split =
        ["your card number", "four one one one one one one one", "mm-hmm go on", "one one one one one one one one"];
    assert_eq!(
        found(&split),
        [(CreditDebitNumber, "four one one one one one one one one one one one one one one one".into())]
    );
    let call = call(&split);
    let places = &find(&call, &recognised())[0].places;
    assert_eq!((places.len(), places[0].turn, places[1].turn), (2, 1, 3));

    let corrected = ["card number", "four one one one one one one one one one one one one one one five no sorry one"];
    let whole = "four one one one one one one one one one one one one one one five no sorry one";
    assert_eq!(found(&corrected), [(CreditDebitNumber, whole.into())], "the wrong digit is silenced too");

    // The card and its code in one breath, each as what it is.
    let both = ["card number and security code", "4111 1111 1111 1111 one two three"];
    let found_both = found(&both);
    assert_eq!(found_both[0], (CreditDebitNumber, "4111 1111 1111 1111".into()));
    assert_eq!(found_both[1], (CreditDebitCvv, "one two three".into()));

    // Four digits of a number that is called a card's: not sure, and silenced all the same.
    let part = call_of("the card ends in", "four two four two");
    let found = &find(&part, &recognised())[0];
    assert_eq!(found.entity, CreditDebitNumber);
    assert!(found.confidence < REVIEW_BELOW);
}

fn call_of(agent: &str, customer: &str) -> Transcript {
    call(&[agent, customer])
}

#[test]
fn everyday_numbers_are_left() {
    for line in [
        "i have two questions about three orders",
        "it was nineteen eighty four",
        "the price is forty nine ninety nine",
        "i waited twenty five minutes on the twenty third",
        "one of them said no and the other one said yes",
        "flight four five six at seven thirty",
        "i have a dog and i am a b c fan",
    ] {
        assert_eq!(found(&["how can i help", line]), [], "{line}");
    }
}

#[test]
fn only_what_is_wanted_is_found() {
    let call = call(&["card number", "4111 1111 1111 1111", "and the pin", "9 0 2 1"]);
    let kinds = |wanted: &[Entity]| find(&call, wanted).iter().map(|f| f.entity).collect::<Vec<_>>();
    assert_eq!(kinds(&[Entity::Pin]), [Entity::Pin]);
    assert_eq!(kinds(&recognised()), [Entity::CreditDebitNumber, Entity::Pin]);
    assert_eq!(kinds(&[]), []);
}

#[test]
fn names_addresses_dates_and_secrets_are_found_by_the_words_around_them() {
    use Entity::*;
    for (line, entity, words) in [
        ("my name is jane doe and i am calling about my order", Name, "jane doe"),
        ("Hi, this is Jane.", Name, "Jane."),
        ("please ask for mrs smith", Name, "mrs smith"),
        ("i am forty two years old", Age, "forty two years old"),
        ("my email is jane dot doe at example dot com", Email, "jane dot doe at example dot com"),
        ("it's j d o e four at mail dot co dot uk", Email, "j d o e four at mail dot co dot uk"),
        ("write to jane.doe@example.com please", Email, "jane.doe@example.com"),
        ("it is on w w w dot example dot org", Url, "w w w dot example dot org"),
        ("see https://example.com/x?y=1", Url, "https://example.com/x?y=1"),
        ("the server is 192.168.1.20", IpAddress, "192.168.1.20"),
        ("i was born on may third nineteen eighty", DateTime, "may third nineteen eighty"),
        ("on the twenty first of june", DateTime, "twenty first of june"),
        ("on January 5th, 2020", DateTime, "January 5th, 2020"),
        ("date of birth is oh five twelve eighty one", DateTime, "oh five twelve eighty one"),
        ("i live at twelve elm street apartment four", Address, "twelve elm street apartment four"),
        ("at 1600 Pennsylvania Avenue, Washington", Address, "1600 Pennsylvania Avenue, Washington"),
        ("the zip code is nine oh two one oh", Address, "nine oh two one oh"),
        ("the password is correct horse battery staple", Password, "correct horse battery staple"),
        ("my username is jane underscore d", Username, "jane underscore d"),
    ] {
        assert_eq!(found(&["hello", line]), [(entity, words.to_owned())], "{line}");
    }
    for line in [
        "you may call me tomorrow",
        "i am calling about the second invoice",
        "what is your name",
        "i'm not sure",
        "we met at the office dot i think",
        "march on",
    ] {
        assert_eq!(found(&["hello", line]), [], "{line}");
    }
}

#[test]
fn a_phrase_hides_no_number_that_it_only_touches() {
    let found =
        found(&["card number", "four one one one one one one one one one one one one one one one of june it expires"]);
    assert!(
        found.iter().any(|(e, words)| *e == Entity::CreditDebitNumber && words.split(' ').count() == 16),
        "{found:?}"
    );
}

#[test]
fn a_name_that_is_known_is_found_wherever_it_is_said() {
    let lines = [
        "hello",
        "my name is Robert J. Smith",
        "Sure Robert, one moment",
        "it is about Mr. Smith's order, not the smith",
    ];
    let names: Vec<String> = found(&lines).into_iter().map(|(_, words)| words).collect();
    assert_eq!(names, ["Robert J. Smith", "Robert,", "Mr. Smith's"]);
}

#[test]
fn a_short_check_splits_no_number_and_an_address_ends_with_its_sentence() {
    let zip = ["expiration date and then the billing zip code", "nine four one oh three"];
    assert_eq!(found(&zip), [(Entity::Address, "nine four one oh three".into())]);
    let home = ["where do you live", "Twelve Market Street, San Francisco. I've been there for long"];
    assert_eq!(found(&home), [(Entity::Address, "Twelve Market Street, San Francisco.".into())]);
}

#[test]
fn an_endless_row_of_digits_is_silenced_whole_and_takes_no_time() {
    let row = "one ".repeat(300_000);
    let call = call(&["your card number", &row]);
    let findings = find(&call, &recognised());
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].entity, findings[0].places[0].words.clone()), (Entity::CreditDebitNumber, 0..300_000));
    assert!(findings[0].confidence < REVIEW_BELOW);
    let many = "my name is Jane and hi Jane it is May third ".repeat(20_000);
    assert_eq!(find(&self::call(&["hello", &many]), &recognised()).len(), 60_000);
}

#[test]
fn a_place_begins_with_its_earliest_word() {
    let word = |text: &str, begin_ms| Word { text: text.into(), begin_ms, end_ms: begin_ms + 100 };
    let words = vec![
        word("pin", 1_000),
        word("is", 1_200),
        word("nine", 3_000),
        word("oh", 2_000),
        word("two", 4_000),
        word("one", 5_000),
    ];
    let call = Transcript::new(vec![Turn { speaker: 0, channel: None, words }]).unwrap_or_else(|e| unreachable!("{e}"));
    assert_eq!(find(&call, &recognised())[0].places[0].span, Span { begin_ms: 2_000, end_ms: 5_100 });
}

#[test]
fn leaning_to_recall_finds_no_less_and_numbers_do_not_lean() {
    let text = "so anyway Marta Quist rang and my card is 4111 1111 1111 1111 and the parcel went to mill end cottage or so said wren";
    let call = call(&[text]);
    let found = |lean: Lean| {
        let all = find_in(&call, &recognised(), Language::English, lean);
        let words = |f: &Finding| f.places.iter().flat_map(|p| p.words.clone()).collect::<Vec<_>>();
        let cards = all.iter().filter(|f| f.entity == Entity::CreditDebitNumber).map(words).collect::<Vec<_>>();
        (all.iter().flat_map(words).collect::<std::collections::BTreeSet<_>>(), cards)
    };
    let (recall, balanced, precision) = (found(Lean::Recall), found(Lean::Balanced), found(Lean::Precision));
    assert!(recall.0.is_superset(&balanced.0) && balanced.0.is_superset(&precision.0));
    assert!(recall.0.len() > precision.0.len(), "{recall:?} {precision:?}");
    assert!(recall.1 == balanced.1 && balanced.1 == precision.1 && recall.1.len() == 1);
}

#[test]
fn what_was_asked_for_needs_no_name_and_what_counts_something_is_no_number() {
    use Entity::*;
    for (question, answer, entity, words) in [
        ("can I have your full name please?", "Sure, it's Siobhan Okafor", Name, "Siobhan Okafor"),
        ("your last name", "patel p a t e l", Name, "patel p a t e l"),
        ("how old are you", "i'm eighty three", Age, "eighty three"),
        ("what is the password", "um rocket tiger twenty six", Password, "rocket tiger twenty six"),
        ("which user name do you log in with", "it's chloe underscore river", Username, "chloe underscore river"),
        (
            "where should we send it",
            "it's one thirty mill lane apartment eleven",
            Address,
            "one thirty mill lane apartment eleven",
        ),
        ("when does it expire", "it expires may twenty twenty eight", CreditDebitExpiry, "may twenty twenty eight"),
        ("when does it expire", "Expires 04/29.", CreditDebitExpiry, "04/29."),
        ("and the bic", "l n z o for orange i n h for house f", SwiftCode, "l n z o for orange i n h for house f"),
        ("your health card", "5963 649 768 KR", CaHealthNumber, "5963 649 768 KR"),
        ("the iban", "GB82 WEST 1234 5698 7654 32", Iban, "GB82 WEST 1234 5698 7654 32"),
        ("the mac address", "20:D3:C3:C1:0F:8A", MacAddress, "20:D3:C3:C1:0F:8A"),
        (
            "which ip",
            "ten dot ten dot one five nine dot two three one",
            IpAddress,
            "ten dot ten dot one five nine dot two three one",
        ),
        ("go on", "it is on example dot com slash login", Url, "example dot com slash login"),
        (
            "hello",
            "n i is a b one two three four five six c",
            UkNationalInsuranceNumber,
            "a b one two three four five six c",
        ),
        ("hello", "the c v v is one two three", CreditDebitCvv, "one two three"),
        // Nobody said what it is.
        ("what does it say", "it says a b one two c d e", LicensePlate, "a b one two c d e"),
        (
            "go on",
            "that is two three nine five five one four eight two",
            Phone,
            "two three nine five five one four eight two",
        ),
    ] {
        assert_eq!(found(&[question, answer]), [(entity, words.to_owned())], "{answer}");
    }
    for (question, answer) in [
        ("can you read me the cvv", "it costs one hundred and twenty dollars"),
        ("what is your pin", "the order number is four eight two one three"),
        ("thank you", "my username was wrong"),
        ("what is your name", "i have a z five hundred"),
    ] {
        assert_eq!(found(&[question, answer]), [], "{answer}");
    }
}

#[test]
fn a_pack_of_words_makes_another_language() {
    use Entity::*;
    let spanish = |lines: &[&str]| {
        let call = call(lines);
        let text = |f: &Finding| {
            let words = f.places.iter().flat_map(|p| &call.turns()[p.turn].words[p.words.clone()]);
            words.map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        find_in(&call, &recognised(), Language::Spanish, Lean::default())
            .iter()
            .map(|f| (f.entity, text(f)))
            .collect::<Vec<_>>()
    };
    for (question, answer, entity, words) in [
        (
            "¿cuál es el número de su tarjeta?",
            "es cuarenta y uno once once once once once doble uno triple uno no perdón once",
            CreditDebitNumber,
            "cuarenta y uno once once once once once doble uno triple uno no perdón once",
        ),
        ("y el código de seguridad", "uno dos tres", CreditDebitCvv, "uno dos tres"),
        ("la fecha de vencimiento", "cero cuatro veintisiete", CreditDebitExpiry, "cero cuatro veintisiete"),
        (
            "su teléfono",
            "cinco cinco cinco dos uno tres cuatro cinco seis siete",
            Phone,
            "cinco cinco cinco dos uno tres cuatro cinco seis siete",
        ),
        (
            "su seguro social",
            "cero siete ocho cero cinco uno uno dos cero",
            Ssn,
            "cero siete ocho cero cinco uno uno dos cero",
        ),
        ("buenos días", "tengo treinta y dos años", Age, "treinta y dos años"),
        ("buenos días", "mi correo es juana arroba gmail punto com", Email, "juana arroba gmail punto com"),
        ("su fecha de nacimiento", "tres de mayo de mil novecientos ochenta", DateTime, "tres de mayo"),
    ] {
        let found = spanish(&[question, answer]);
        assert!(found.iter().any(|(e, w)| *e == entity && w.contains(words)), "{answer}: {found:?}");
    }
    for answer in
        ["espero hace veinticinco minutos", "cuesta cuarenta y nueve dólares", "tengo dos preguntas", "once personas"]
    {
        assert_eq!(spanish(&["hola", answer]), [], "{answer}");
    }
    assert_eq!(
        (Language::of_locale("es-US"), Language::of_locale("en-GB"), Language::of_locale("tlh")),
        (Some(Language::Spanish), Some(Language::English), None)
    );
}
