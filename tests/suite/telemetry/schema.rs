//! JSON Schema as far as OpenLineage's schemas go; any other keyword is a failure, so that none is passed over.

use jiff::Timestamp;
use serde_json::Value;

/// OpenLineage's own schemas, as published.
const PUBLISHED: &str = include_str!("openlineage.json");

/// Holds an event, and each facet in it, against the schemas that they name.
///
/// # Panics
/// With what does not hold.
pub fn hold(event: &Value) {
    let schemas: Value = serde_json::from_str(PUBLISHED).expect("as it is made");
    let schemas = Schemas(schemas["schemas"].as_array().expect("as it is made").clone());
    schemas.hold(event["schemaURL"].as_str().expect("as it is made"), event);
    let mut facets = Vec::new();
    collect(event, &mut facets);
    assert!(facets.len() >= 3, "{event}");
    for facet in facets {
        assert!(facet["_producer"].as_str().expect("as it is made").starts_with("urn:cuadre:version:"), "{facet}");
        schemas.hold(facet["_schemaURL"].as_str().expect("as it is made"), facet);
    }
}

/// Everything below `value` that names its schema.
fn collect<'a>(value: &'a Value, facets: &mut Vec<&'a Value>) {
    if value.get("_schemaURL").is_some() {
        facets.push(value);
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| collect(member, facets)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, facets)),
        _ => {}
    }
}

struct Schemas(Vec<Value>);

impl Schemas {
    fn hold(&self, url: &str, value: &Value) {
        let (document, schema) = self.find(url, &Value::Null);
        if let Err(why) = self.check(document, schema, value) {
            panic!("{url}: {why}: {value:#}");
        }
    }

    fn find<'a>(&'a self, reference: &str, within: &'a Value) -> (&'a Value, &'a Value) {
        let (document, pointer) = reference.split_once('#').expect("as it is made");
        let published = || self.0.iter().find(|schema| schema["$id"] == document);
        let document = if document.is_empty() { within } else { published().unwrap_or_else(|| panic!("{reference}")) };
        (document, document.pointer(pointer).unwrap_or_else(|| panic!("{reference}")))
    }

    fn check(&self, document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
        let members = schema.as_object().expect("as it is made");
        let each = |schemas: &Value| -> Vec<Result<(), String>> {
            schemas
                .as_array()
                .expect("as it is made")
                .iter()
                .map(|schema| self.check(document, schema, value))
                .collect()
        };
        for (keyword, rule) in members {
            match keyword.as_str() {
                "$ref" => {
                    let (document, schema) = self.find(rule.as_str().expect("as it is made"), document);
                    self.check(document, schema, value)?;
                }
                "allOf" => each(rule).into_iter().collect::<Result<_, _>>()?,
                "anyOf" => {
                    let checked = each(rule);
                    if checked.iter().all(Result::is_err) {
                        return Err(format!("none of {checked:?}"));
                    }
                }
                "type" => match (rule.as_str().expect("as it is made"), value) {
                    ("object", Value::Object(_)) | ("array", Value::Array(_)) | ("string", Value::String(_)) => {}
                    ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => {}
                    ("integer", Value::Number(number)) if number.is_i64() || number.is_u64() => {}
                    (kind, _) => return Err(format!("{value} is no {kind}")),
                },
                "required" => {
                    let lacks = |name: &&Value| value.get(name.as_str().expect("as it is made")).is_none();
                    if let Some(name) = rule.as_array().expect("as it is made").iter().find(lacks) {
                        return Err(format!("{name} is missing"));
                    }
                }
                "properties" => {
                    for (name, schema) in rule.as_object().expect("as it is made") {
                        if let Some(value) = value.get(name) {
                            self.check(document, schema, value).map_err(|why| format!("{name}: {why}"))?;
                        }
                    }
                }
                "additionalProperties" if rule.is_object() => {
                    let named = |name: &str| members.get("properties").is_some_and(|known| known.get(name).is_some());
                    for (name, value) in
                        value.as_object().expect("as it is made").iter().filter(|(name, _)| !named(name))
                    {
                        self.check(document, rule, value).map_err(|why| format!("{name}: {why}"))?;
                    }
                }
                "additionalProperties" if rule == true => {}
                "items" => value
                    .as_array()
                    .expect("as it is made")
                    .iter()
                    .try_for_each(|item| self.check(document, rule, item))?,
                "enum" if rule.as_array().expect("as it is made").contains(value) => {}
                "format" => format(rule.as_str().expect("as it is made"), value.as_str().unwrap())?,
                _ => return Err(format!("{keyword} {rule} does not hold of {value}")),
            }
        }
        Ok(())
    }
}

fn format(format: &str, text: &str) -> Result<(), String> {
    let holds = match format {
        "date-time" => text.parse::<Timestamp>().is_ok() && text.contains('T') && text.ends_with('Z'),
        "uri" => text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.chars().all(|c| c.is_ascii_lowercase())
                && !scheme.is_empty()
                && rest.chars().all(|c| c.is_ascii_graphic())
        }),
        "uuid" => {
            let lengths = text.split('-').map(str::len);
            lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        }
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("{text} is no {format}")) }
}
