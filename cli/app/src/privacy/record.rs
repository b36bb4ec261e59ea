//! A policy applied to a record.

use serde_json::{Map, Value};

use super::policy::{FieldPolicy, Mode, Node, Tier, Transform};

/// How a value is replaced by something that only the holder of a key can make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// By a hash: equal for equal values.
    Hash,
    /// By a ciphertext, which the key opens again.
    Cipher,
}

/// Replaces a value in one of the two ways.
pub type Sealer<'a> = dyn Fn(Sealing, &[u8]) -> String + 'a;

/// What was done to a record.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Changes {
    /// Fields that were taken out.
    pub removed: u64,
    /// Fields whose value was replaced.
    pub replaced: u64,
}

/// Where a path stands in a tree of listed ones.
enum At<'a, T> {
    /// Beside all of them.
    Beside,
    /// Before some of them.
    Before(&'a Node<T>),
    /// At one of them or below it.
    Within(&'a Node<T>),
    /// Below one, where the tree has ended.
    Below,
}

impl<'a, T> At<'a, T> {
    fn root(node: &'a Node<T>) -> Self {
        Self::Before(node)
    }

    fn down(&self, name: &str) -> At<'a, T> {
        let (node, within) = match self {
            At::Beside => return At::Beside,
            At::Below => return At::Below,
            At::Before(node) => (node, false),
            At::Within(node) => (node, true),
        };
        match (node.below.get(name), within) {
            (Some(below), within) if within || below.listed.is_some() => At::Within(below),
            (Some(below), _) => At::Before(below),
            (None, true) => At::Below,
            (None, false) => At::Beside,
        }
    }
}

/// Mandatory fields: one with others below it is a container, one without is kept whole.
fn mandatory<'a>(at: &At<'a, ()>, name: &str) -> At<'a, ()> {
    let node = match at {
        At::Beside => return At::Beside,
        At::Below => return At::Below,
        At::Before(node) | At::Within(node) => node,
    };
    match node.below.get(name) {
        Some(below) if below.below.is_empty() => At::Below,
        Some(below) => At::Before(below),
        None => At::Beside,
    }
}

struct Walk<'a> {
    mode: Mode,
    seal: &'a Sealer<'a>,
    changes: Changes,
}

struct Place<'a> {
    mandatory: At<'a, ()>,
    listed: At<'a, ()>,
    tiers: At<'a, Tier>,
}

impl FieldPolicy {
    /// Takes out of a record what may not leave, and replaces what may leave only changed. `seal` makes the keyed values.
    pub fn apply(&self, record: &mut Value, seal: &Sealer<'_>) -> Changes {
        let mut walk = Walk { mode: self.mode, seal, changes: Changes::default() };
        let root = Place {
            mandatory: At::root(&self.mandatory),
            listed: At::root(&self.listed),
            tiers: At::root(&self.tiers),
        };
        match record {
            Value::Object(map) => walk.object(map, &root),
            Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).for_each(|m| walk.object(m, &root)),
            // A record that is no object has no fields to tell apart.
            other if self.mode == Mode::Allow => *other = Value::Null,
            _ => {}
        }
        walk.changes
    }
}

impl Walk<'_> {
    fn object(&mut self, map: &mut Map<String, Value>, at: &Place<'_>) {
        map.retain(|name, value| {
            let below = Place {
                mandatory: mandatory(&at.mandatory, name),
                listed: at.listed.down(name),
                tiers: at.tiers.down(name),
            };
            let kept = self.keep(value, &below);
            self.changes.removed += u64::from(!kept);
            kept
        });
    }

    /// Whether a value stays; what is below it is gone through.
    fn keep(&mut self, value: &mut Value, at: &Place<'_>) -> bool {
        // Mandatory and whole.
        if matches!(at.mandatory, At::Below) {
            return true;
        }
        let container = matches!(at.mandatory, At::Before(_));
        let (whole, toward) = match self.mode {
            Mode::Allow => (matches!(at.listed, At::Within(_) | At::Below), matches!(at.listed, At::Before(_))),
            Mode::Deny => (!matches!(at.listed, At::Within(_) | At::Below), false),
        };
        if !(whole || toward || container) {
            return false;
        }
        if let At::Within(Node { listed: Some(tier), .. }) = at.tiers {
            self.changes.replaced += 1;
            *value = replaced(value, *tier, self.seal);
            return true;
        }
        match value {
            Value::Object(map) => {
                let empty = map.is_empty();
                self.object(map, at);
                !map.is_empty() || container || whole && empty
            }
            Value::Array(list) => {
                let empty = list.is_empty();
                list.retain_mut(|element| self.keep(element, at));
                !list.is_empty() || container || whole && empty
            }
            Value::Null => true,
            _ => whole,
        }
    }
}

/// A value in its tier.
fn replaced(value: &Value, tier: Tier, seal: &Sealer<'_>) -> Value {
    let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match tier {
        _ if value.is_null() => Value::Null,
        Tier::Default => Value::Null,
        Tier::Encrypt => seal(Sealing::Hash, value.to_string().as_bytes()).into(),
        Tier::Seal => seal(Sealing::Cipher, value.to_string().as_bytes()).into(),
        Tier::Transform(Transform::Last4) => {
            let text = text();
            let hidden = text.chars().count().saturating_sub(4);
            // Four characters or fewer would be all of it.
            match hidden {
                0 => "*".repeat(text.chars().count()).into(),
                _ => ("*".repeat(hidden) + &text.chars().skip(hidden).collect::<String>()).into(),
            }
        }
        Tier::Transform(Transform::Truncate(most)) => text().chars().take(most).collect::<String>().into(),
        Tier::Transform(Transform::Bucket(width)) => match value.as_f64() {
            Some(x) if x.is_finite() => {
                let low = (x / f64::from(width)).floor() * f64::from(width);
                if low.abs() < 9e15 { (low as i64).into() } else { Value::Null }
            }
            // No number has no bucket.
            _ => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::policy::{OPERATA, PolicyError, Preset};
    use super::*;

    fn filtered(config: Option<Value>, preset: Preset, mut record: Value) -> Value {
        let policy = match config {
            None => FieldPolicy::minimum(preset),
            Some(config) => FieldPolicy::parse(&config.to_string(), preset, true).unwrap(),
        };
        policy.apply(&mut record, &|_, _| "sealed".into());
        record
    }

    fn config(kind: &str, fields: &[&str]) -> Option<Value> {
        Some(json!({"key": "REDACTION_CONFIG", "value": {"type": kind, "fields": fields}}))
    }

    /// SPEC 5.4, T1 to T8.
    #[test]
    fn t1_to_t8() {
        let operata = |config, record| filtered(config, Preset::Operata, record);
        let contact = json!({"ContactId": "c", "Attributes": {"x": 1}, "CustomerEndpoint": {"Address": "+1"}});
        assert_eq!(operata(None, contact.clone()), json!({"ContactId": "c"}), "T1");
        assert_eq!(
            operata(config("WHITELIST", &["Attributes.x"]), json!({"ContactId": "c", "Attributes": {"x": 1, "y": 2}})),
            json!({"ContactId": "c", "Attributes": {"x": 1}}),
            "T2"
        );
        assert_eq!(operata(config("BLACKLIST", &[]), contact.clone()), contact, "T3");
        assert_eq!(
            operata(
                config("BLACKLIST", &["Attributes.CustomerDetails"]),
                json!({"Attributes": {"CustomerDetails": {"a": 1}, "k": 2}, "Tags": {}})
            ),
            json!({"Attributes": {"k": 2}, "Tags": {}}),
            "T4"
        );
        let agent = json!({"Agent": {"Username": "u", "RoutingProfile": {"Name": "r"}, "ARN": "a"}});
        assert_eq!(
            operata(config("ALLOW", &["Agent.RoutingProfile"]), agent.clone()),
            json!({"Agent": {"Username": "u", "RoutingProfile": {"Name": "r"}}}),
            "T5"
        );
        let refused = FieldPolicy::parse(&config("DENY", &["Agent"]).unwrap().to_string(), Preset::Operata, false);
        assert_eq!(refused, Err(PolicyError::Mandatory(vec!["Agent".into()])), "T6");
        assert_eq!(operata(config("DENY", &["Agent"]), agent), json!({"Agent": {"Username": "u"}}), "T6, lenient");
        assert_eq!(operata(config("ALLOW", &["Foo.bar"]), contact), json!({"ContactId": "c"}), "T7");
        for two in [
            r#"{"type": ["WHITELIST", "BLACKLIST"], "fields": []}"#,
            r#"{"type": "WHITELIST", "type": "BLACKLIST", "fields": []}"#,
            r#"{"type": "BOTH", "fields": []}"#,
            r#"{"key": "OTHER", "value": {"type": "DENY", "fields": []}}"#,
            r#"{"type": "DENY"}"#,
        ] {
            // A repeated key of JSON is the last one's; it is one type then.
            let parsed = FieldPolicy::parse(two, Preset::None, false);
            assert!(parsed.is_err() || two.contains("\"type\": \"WHITELIST\", \"type\""), "T8: {two}");
        }
    }

    #[test]
    fn the_mandatory_fields_are_operata_s_39_and_containers_stay_empty() {
        let mut all = OPERATA.to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 39);
        let record = json!({"Agent": {"ARN": "a", "HierarchyGroups": {"Level1": {"ARN": "x"}}, "DeviceInfo": null}, "Queue": {"ARN": "q"},
            "QualityMetrics": {"Agent": [{"a": 1}]}, "TransferredToEndpoint": {"Address": "+1"}, "agent": {"Username": "no"}, "SystemEndpoint": null});
        assert_eq!(
            filtered(None, Preset::Operata, record),
            json!({"Agent": {"HierarchyGroups": {"Level1": {"ARN": "x"}}, "DeviceInfo": null}, "Queue": {},
                "QualityMetrics": {"Agent": [{"a": 1}]}, "TransferredToEndpoint": {"Address": "+1"}, "SystemEndpoint": null})
        );
    }

    #[test]
    fn arrays_dots_and_tiers() {
        let record = json!({"Recordings": [{"Location": "l", "Type": "AUDIO"}, {"Location": "m"}], "a.b": {"c\\d": 1}, "n": 17, "phone": "+12125550123",
            "id": "x", "gone": {"z": 1}, "short": "123"});
        let config = json!({"type": "ALLOW", "fields": ["Recordings.Type", "a\\.b.c\\\\d"], "encrypt": ["id"],
            "transform": {"phone": "last-4", "n": "bucket:5", "short": "last-4"}, "default": ["gone"]});
        assert_eq!(
            filtered(Some(config), Preset::None, record),
            json!({"Recordings": [{"Type": "AUDIO"}], "a.b": {"c\\d": 1}, "n": 15, "phone": "********0123", "id": "sealed", "gone": null, "short": "***"})
        );
        for (config, error) in [
            (json!({"type": "ALLOW", "fields": ["a"], "default": ["a"]}), PolicyError::Twice("a".into())),
            (json!({"type": "ALLOW", "fields": ["a..b"]}), PolicyError::Path("a..b".into())),
            (json!({"type": "ALLOW", "fields": ["a\\b"]}), PolicyError::Path("a\\b".into())),
            (
                json!({"type": "ALLOW", "fields": [], "transform": {"a": "rot13"}}),
                PolicyError::Transform("rot13".into()),
            ),
            (
                json!({"type": "DENY", "fields": [], "encrypt": ["Agent.Username"]}),
                PolicyError::Mandatory(vec!["Agent.Username".into()]),
            ),
        ] {
            assert_eq!(FieldPolicy::parse(&config.to_string(), Preset::Operata, false), Err(error));
        }
    }

    /// The rule as the specification words it, path by path, without trees.
    fn plainly(
        value: &Value,
        path: &[String],
        allow: bool,
        listed: &[Vec<String>],
        mandatory: &[Vec<String>],
    ) -> Option<Value> {
        let below = |prefix: &[String], of: &[String]| of.len() >= prefix.len() && of[..prefix.len()] == *prefix;
        let container = mandatory.iter().any(|m| m.len() > path.len() && below(path, m));
        let whole_mandatory = mandatory
            .iter()
            .any(|m| below(m, path) && !mandatory.iter().any(|other| other.len() > m.len() && below(m, other)));
        let within = listed.iter().any(|l| below(l, path));
        let toward = listed.iter().any(|l| below(path, l));
        if whole_mandatory {
            return Some(value.clone());
        }
        let whole = if allow { within } else { !within };
        if !(whole || container || allow && toward) {
            return None;
        }
        match value {
            Value::Object(map) => {
                let kept: Map<String, Value> = map
                    .iter()
                    .filter_map(|(k, v)| {
                        Some((
                            k.clone(),
                            plainly(v, &[path, std::slice::from_ref(k)].concat(), allow, listed, mandatory)?,
                        ))
                    })
                    .collect();
                (!kept.is_empty() || container || whole && map.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(list) => {
                let kept: Vec<Value> = list.iter().filter_map(|v| plainly(v, path, allow, listed, mandatory)).collect();
                (!kept.is_empty() || container || whole && list.is_empty()).then_some(Value::Array(kept))
            }
            Value::Null => Some(Value::Null),
            other => whole.then(|| other.clone()),
        }
    }

    fn records() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<u8>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from)];
        let inner = leaf.prop_recursive(5, 40, 4, |inner| {
            let object = prop::collection::btree_map("[a-d]", inner.clone(), 0..4);
            prop_oneof![
                object.prop_map(|m| Value::Object(m.into_iter().collect())),
                prop::collection::vec(inner, 0..3).prop_map(Value::Array)
            ]
        });
        prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect()))
    }

    fn paths() -> impl Strategy<Value = Vec<Vec<String>>> {
        let path = prop::collection::vec("[a-d]", 1..4);
        prop::collection::btree_set(path, 0..5).prop_map(|s| s.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn random_records_are_filtered_as_the_plain_rule_says(record in records(), allow: bool, listed in paths(), mandatory in paths()) {
            let join = |p: &Vec<String>| p.join(".");
            let text = json!({"type": if allow { "ALLOW" } else { "DENY" }, "fields": listed.iter().map(join).collect::<Vec<_>>()});
            let mut policy = FieldPolicy::parse(&text.to_string(), Preset::None, true).unwrap();
            policy.mandatory = Node::default();
            for path in &mandatory {
                let node = path.iter().fold(&mut policy.mandatory, |node, name| node.below.entry(name.clone()).or_default());
                node.listed = Some(());
            }
            let Value::Object(map) = &record else { unreachable!() };
            let expected: Map<String, Value> = map
                .iter()
                .filter_map(|(k, v)| Some((k.clone(), plainly(v, std::slice::from_ref(k), allow, &listed, &mandatory)?)))
                .collect();
            let mut found = record.clone();
            policy.apply(&mut found, &|_, _| unreachable!());
            prop_assert_eq!(found, Value::Object(expected));
        }
    }
}
