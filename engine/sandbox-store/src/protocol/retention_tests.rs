use super::*;

fn read(inner: &str) -> Result<RetentionChange, String> {
    let text = format!("<Retention xmlns=\"{NAMESPACE}\">{inner}</Retention>");
    let asked = Asked::deserialize(&mut Deserializer::new(text.as_bytes())).map_err(|_| "unreadable")?;
    let now = "2026-03-10T12:00:00Z".parse().unwrap();
    asked.change(false, now).map_err(|error| error.code().as_str().to_owned())
}

const UNTIL: &str = "<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>";

#[test]
fn a_document_has_a_retention_an_event_hold_or_both() {
    let retention =
        Some(Retention { mode: Mode::Compliance, until: "2030-01-01T00:00:00Z".parse().unwrap() });
    let hold = |mode, days| Some(EventHold::new(true, mode, days, None).unwrap());
    let change = |retention, event_hold| Ok(RetentionChange { retention, event_hold, bypass: false });
    let mode = "<Mode>COMPLIANCE</Mode>";
    let on = "<EventHold>ON</EventHold>";
    let days = "<EventHoldDuration><Days>30</Days></EventHoldDuration>";
    assert_eq!(read(""), change(None, None));
    assert_eq!(read(&format!("{mode}{UNTIL}")), change(retention.clone(), None));
    let both = read(&format!("{mode}{UNTIL}{on}{days}"));
    assert_eq!(both, change(retention, hold(Some(Mode::Compliance), Some(30))));
    assert_eq!(read(on), change(None, hold(None, None)));
    assert_eq!(read(&format!("{mode}{on}")), change(None, hold(Some(Mode::Compliance), None)));
    let off = Some(EventHold::new(false, None, None, None).unwrap());
    assert_eq!(read("<EventHold>OFF</EventHold>"), change(None, off));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let duration =
        |inner: &str| format!("<EventHold>ON</EventHold><EventHoldDuration>{inner}</EventHoldDuration>");
    for (document, code) in [
        ("<EventHold>MAYBE</EventHold>".to_owned(), "MalformedXML"),
        ("<EventHoldDuration><Days>1</Days></EventHoldDuration>".to_owned(), "MalformedXML"),
        (UNTIL.to_owned(), "MalformedXML"),
        (format!("{UNTIL}<EventHold>ON</EventHold>"), "MalformedXML"),
        ("<Mode>GOVERNANCE</Mode>".to_owned(), "MalformedXML"),
        (duration("<Days>1</Days><Years>1</Years>"), "InvalidRequest"),
        (duration("<Days>0</Days>"), "InvalidArgument"),
        (duration("<Years>101</Years>"), "InvalidArgument"),
        (duration("<Days>x</Days>"), "unreadable"),
        (duration("<Months>1</Months>"), "unreadable"),
        ("<Hold>ON</Hold>".to_owned(), "unreadable"),
    ] {
        assert_eq!(read(&document).unwrap_err(), code, "{document}");
    }
}
