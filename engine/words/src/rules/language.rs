//! Languages. The rules are written in English words; a pack says which English word each of another language stands for, so that a language is a
//! table: number words, what numbers are called, "sorry", "double". A pack does what its words do; where the rules lean on the order of English
//! phrases (names, passwords), another language needs rules of its own.

/// A language that the rules know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Language {
    /// All rules.
    #[default]
    English,
    /// Numbers and what they are called, dates, ages, e-mail addresses.
    Spanish,
}

impl Language {
    /// The language of a locale, as in `es-US`.
    pub fn of_locale(locale: &str) -> Option<Self> {
        match locale.split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }

    /// The English words for a lower-case one, with spaces between them; `None` where it stays as it is.
    pub(super) fn english(self, word: &str) -> Option<&'static str> {
        let pack = match self {
            Self::English => return None,
            Self::Spanish => SPANISH,
        };
        let plain: String = word.chars().map(unaccented).collect();
        pack.iter().find(|(foreign, _)| *foreign == plain).map(|(_, english)| *english)
    }
}

fn unaccented(c: char) -> char {
    match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        other => other,
    }
}

/// `y` has no word: "cuarenta y uno" is "forty one". Letters' names that are words too ("de", "te", "ele") are left out.
const SPANISH: &[(&str, &str)] = &[
    ("cero", "zero"),
    ("uno", "one"),
    ("una", "one"),
    ("dos", "two"),
    ("tres", "three"),
    ("cuatro", "four"),
    ("cinco", "five"),
    ("seis", "six"),
    ("siete", "seven"),
    ("ocho", "eight"),
    ("nueve", "nine"),
    ("diez", "ten"),
    ("once", "eleven"),
    ("doce", "twelve"),
    ("trece", "thirteen"),
    ("catorce", "fourteen"),
    ("quince", "fifteen"),
    ("dieciseis", "sixteen"),
    ("diecisiete", "seventeen"),
    ("dieciocho", "eighteen"),
    ("diecinueve", "nineteen"),
    ("veinte", "twenty"),
    ("veintiuno", "twenty one"),
    ("veintiun", "twenty one"),
    ("veintidos", "twenty two"),
    ("veintitres", "twenty three"),
    ("veinticuatro", "twenty four"),
    ("veinticinco", "twenty five"),
    ("veintiseis", "twenty six"),
    ("veintisiete", "twenty seven"),
    ("veintiocho", "twenty eight"),
    ("veintinueve", "twenty nine"),
    ("treinta", "thirty"),
    ("cuarenta", "forty"),
    ("cincuenta", "fifty"),
    ("sesenta", "sixty"),
    ("setenta", "seventy"),
    ("ochenta", "eighty"),
    ("noventa", "ninety"),
    ("cien", "one hundred"),
    ("ciento", "one hundred"),
    ("doscientos", "two hundred"),
    ("trescientos", "three hundred"),
    ("cuatrocientos", "four hundred"),
    ("quinientos", "five hundred"),
    ("seiscientos", "six hundred"),
    ("setecientos", "seven hundred"),
    ("ochocientos", "eight hundred"),
    ("novecientos", "nine hundred"),
    ("mil", "thousand"),
    ("doble", "double"),
    ("triple", "triple"),
    ("y", ""),
    // Between numbers.
    ("e", "um"),
    ("eh", "um"),
    ("este", "um"),
    ("pues", "um"),
    ("entonces", "then"),
    ("luego", "then"),
    ("si", "yes"),
    ("vale", "okay"),
    ("guion", "dash"),
    ("espacio", "space"),
    ("barra", "slash"),
    ("perdon", "sorry"),
    ("perdone", "sorry"),
    ("disculpe", "sorry"),
    ("corrijo", "correction"),
    ("digo", "mean"),
    ("quiero", "mean"),
    ("es", "is"),
    ("el", "the"),
    ("la", "the"),
    ("mi", "my"),
    ("tu", "your"),
    ("su", "your"),
    ("de", "of"),
    ("del", "of"),
    ("por", "for"),
    ("cual", "what"),
    ("arroba", "at"),
    ("punto", "dot"),
    // What numbers are called.
    ("tarjeta", "card"),
    ("seguridad", "cvv"),
    ("vencimiento", "expiry"),
    ("caducidad", "expiry"),
    ("vence", "expires"),
    ("caduca", "expires"),
    ("clave", "pin"),
    ("cuenta", "account"),
    ("ruta", "routing"),
    ("pasaporte", "passport"),
    ("licencia", "license number"),
    ("permiso", "license number"),
    ("matricula", "plate"),
    ("placa", "plate"),
    ("telefono", "phone"),
    ("movil", "mobile"),
    ("celular", "cell"),
    ("nacimiento", "dob"),
    ("postal", "zip"),
    ("bastidor", "vin"),
    // What others count.
    ("dolares", "dollars"),
    ("pesos", "dollars"),
    ("euros", "euros"),
    ("minutos", "minutes"),
    ("horas", "hours"),
    ("dias", "days"),
    ("meses", "months"),
    ("veces", "times"),
    ("personas", "people"),
    ("preguntas", "questions"),
    ("pedido", "order"),
    ("factura", "invoice"),
    ("anos", "years old"),
    ("años", "years old"),
    ("enero", "january"),
    ("febrero", "february"),
    ("marzo", "march"),
    ("abril", "april"),
    ("mayo", "may"),
    ("junio", "june"),
    ("julio", "july"),
    ("agosto", "august"),
    ("septiembre", "september"),
    ("octubre", "october"),
    ("noviembre", "november"),
    ("diciembre", "december"),
];
