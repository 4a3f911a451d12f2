use super::*;

fn code<T: std::fmt::Debug>(result: S3Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[test]
fn canned_acls_expand_to_grants() {
    let of = |name: &str| of_headers(Some(name), &GrantHeaders::default()).unwrap();
    assert_eq!(of("private"), private());
    assert_eq!(of("bucket-owner-full-control"), private());
    assert_eq!(of("public-read"), [private(), vec![group(ALL_USERS, "READ")]].concat());
    assert_eq!(
        of("public-read-write"),
        [private(), vec![group(ALL_USERS, "READ"), group(ALL_USERS, "WRITE")]].concat()
    );
    assert_eq!(of("authenticated-read"), [private(), vec![group(AUTHENTICATED_USERS, "READ")]].concat());
    assert_eq!(of("aws-exec-read"), [private(), vec![user(EC2, "READ")]].concat());
    assert_eq!(code(of_headers(Some("public"), &GrantHeaders::default())), "InvalidArgument");
}

#[test]
fn grant_headers_are_lists_with_quotes() {
    let headers = GrantHeaders {
        read: Some(format!("id=\"with,comma\", uri={ALL_USERS}")),
        full_control: Some("id=owner".to_owned()),
        ..GrantHeaders::default()
    };
    assert_eq!(
        of_headers(None, &headers).unwrap(),
        [user("owner", "FULL_CONTROL"), user("with,comma", "READ"), group(ALL_USERS, "READ")]
    );
}

#[test]
fn grant_headers_that_s3_does_not_know_are_refused() {
    let read = |text: &str| GrantHeaders { read: Some(text.to_owned()), ..GrantHeaders::default() };
    assert_eq!(code(of_headers(None, &read("somebody"))), "InvalidArgument");
    assert_eq!(code(of_headers(None, &read("name=\"x\""))), "InvalidArgument");
    assert_eq!(code(of_headers(None, &read("id=\"\""))), "InvalidArgument");
    assert_eq!(code(of_headers(None, &read("uri=\"http://example.com/group\""))), "InvalidArgument");
    assert_eq!(
        code(of_headers(None, &read("emailAddress=\"a@example.com\""))),
        "UnresolvableGrantByEmailAddress"
    );
    assert_eq!(code(of_headers(Some("private"), &read("id=x"))), "InvalidRequest");
    let many = vec!["id=x"; MAX_GRANTS + 1].join(",");
    assert_eq!(code(of_headers(None, &read(&many))), "MalformedACLError");
}

#[test]
fn an_acl_is_given_in_exactly_one_way() {
    let none = GrantHeaders::default();
    assert_eq!(code(of_request(None, &none, None)), "MissingSecurityHeader");
    assert_eq!(
        code(of_request(Some("private"), &none, Some(policy(Some(OWNER_ID), &[])))),
        "UnexpectedContent"
    );
    assert_eq!(of_request(Some("private"), &none, None).unwrap(), private());
}

fn policy(owner: Option<&str>, grants: &[Grant]) -> dto::AccessControlPolicy {
    dto::AccessControlPolicy {
        grants: Some(to_wire(grants)),
        owner: Some(dto::Owner { display_name: None, id: owner.map(str::to_owned) }),
    }
}

#[test]
fn an_xml_body_comes_back_as_it_was() {
    let grants = vec![user(OWNER_ID, "FULL_CONTROL"), user("other", "READ_ACP"), group(ALL_USERS, "READ")];
    let parsed = of_request(None, &GrantHeaders::default(), Some(policy(Some(OWNER_ID), &grants)));
    assert_eq!(parsed.unwrap(), grants);
    // No grants at all is an ACL, too: nobody has access.
    assert_eq!(of_policy(policy(Some(OWNER_ID), &[])).unwrap(), []);
}

#[test]
fn an_xml_body_that_breaks_the_schema_is_malformed() {
    assert_eq!(code(of_policy(policy(None, &[]))), "MalformedACLError");
    assert_eq!(code(of_policy(policy(Some("someone"), &[]))), "AccessDenied");
    assert_eq!(code(of_policy(policy(Some(OWNER_ID), &[user("x", "OWN")]))), "MalformedACLError");
    let broken = |change: fn(&mut dto::Grant)| {
        let mut policy = policy(Some(OWNER_ID), &[user("x", "READ")]);
        policy.grants.as_mut().unwrap().iter_mut().for_each(change);
        code(of_policy(policy))
    };
    assert_eq!(broken(|grant| grant.permission = None), "MalformedACLError");
    assert_eq!(broken(|grant| grant.grantee = None), "MalformedACLError");
    assert_eq!(broken(|grant| grant.grantee.as_mut().unwrap().id = None), "MalformedACLError");
    assert_eq!(
        broken(|grant| grant.grantee.as_mut().unwrap().uri = Some(ALL_USERS.to_owned())),
        "MalformedACLError"
    );
}
