use super::*;

/// A deletion, and who waits for its answer.
fn waiting(key: &str, version: Option<&str>) -> (Waiting, oneshot::Receiver<Answer>) {
    let object = ObjectId { version_id: version.map(str::to_owned), ..ObjectId::new("b", key) };
    let (answer, told) = oneshot::channel();
    (Waiting { call: DeleteObject::new(object), answer }, told)
}

fn keys(batch: &[Waiting]) -> Vec<&str> {
    batch.iter().map(|waiting| waiting.call.object.key.as_str()).collect()
}

#[test]
fn one_request_names_no_object_twice_and_at_most_a_thousand() {
    let named = [("a", None), ("a", None), ("a", Some("1")), ("b", None)];
    let mut queue: Vec<_> = named.into_iter().map(|(key, version)| waiting(key, version).0).collect();
    assert_eq!(keys(&distinct(&mut queue)), ["a", "a", "b"]);
    assert_eq!(keys(&queue), ["a"]);
    let mut queue: Vec<_> = (0..1_500).map(|number| waiting(&number.to_string(), None).0).collect();
    assert_eq!(distinct(&mut queue).len(), MOST);
    assert_eq!(queue.len(), 500);
}

#[test]
fn a_place_is_free_once_nothing_waits() {
    let (deletions, place) = (Deletions::default(), ("b".to_owned(), false));
    let all = ["a", "b", "gone", "c"].map(|key| waiting(key, None));
    let [(a, _), (b, _told), (gone, left), (c, _)] = all;
    assert!(deletions.join(&place, a).is_some());
    assert!(deletions.join(&place, b).is_none());
    assert!(deletions.join(&place, gone).is_none());
    drop(left);
    assert_eq!(keys(&deletions.next(&place)), ["b"], "nobody waits for the other");
    assert!(deletions.next(&place).is_empty());
    assert!(deletions.join(&place, c).is_some());
}

#[test]
fn what_goes_alone() {
    let shares = |key: &str, version: Option<&str>| Deletions::default().take(&waiting(key, version).0.call);
    assert!(shares("a/\u{fc} b<&>", None) && shares("\u{1f600}", Some("v1")));
    for key in ["a\n", "a\rb", "\u{1}", " a", "a ", "\u{ffff}", "a\u{85}b"] {
        assert!(!shares(key, None), "{key:?}");
        assert!(!shares("k", Some(key)), "{key:?}");
    }
    assert!(!shares("k", Some("")));
    let condition =
        DeleteObject { if_match: Some("e".to_owned()), ..DeleteObject::new(ObjectId::new("b", "k")) };
    assert!(!Deletions::default().take(&condition));
    let unsupported = Deletions { unsupported: true.into(), ..Deletions::default() };
    assert!(!unsupported.take(&waiting("k", None).0.call));
}

#[test]
fn what_of_a_refusal_may_be_the_form() {
    let about = |status, retryable| {
        let error = StoreError { retryable, ..StoreError::new("x", "y").with_status(status) };
        is_about_the_form(&error)
    };
    assert!(about(400, false) && about(411, false));
    assert!(!about(403, false) && !about(404, false) && !about(429, true) && !about(500, true));
}
