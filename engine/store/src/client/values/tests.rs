use proptest::prelude::*;

use super::*;

#[test]
fn copy_sources_are_encoded() {
    let source = ObjectId::new("b", "a b/c+d%/ü?#");
    assert_eq!(copy_source(&source), "b/a%20b/c%2Bd%25/%C3%BC%3F%23");
    let version = ObjectId { version_id: Some("x/y=".to_owned()), ..source };
    assert!(copy_source(&version).ends_with("?versionId=x%2Fy%3D"));
}

#[test]
fn tags_as_a_header() {
    assert_eq!(tagging_header(&[]), None);
    let tags = [Tag::new("a b", "1&2=3"), Tag::new("ü", "")];
    assert_eq!(tagging_header(&tags).as_deref(), Some("a%20b=1%262%3D3&%C3%BC="));
}

fn acl(value: &str) -> AclHeaders {
    let grant = Grant { grantee: Grantee::Id(value.to_owned()), permission: Permission::Read };
    AclHeaders { canned: None, grants: vec![grant] }
}

#[test]
fn a_grantee_cannot_smuggle_in_another() {
    for value in ["a, id=b", "a\",uri=\"x", "a b", "", "a\nb", "a\\"] {
        assert!(grant_header(&acl(value), Permission::Read).is_err(), "{value:?}");
        assert!(grant_header(&acl(value), Permission::WriteAcp).is_err(), "{value:?}");
    }
    assert_eq!(grant_header(&acl("abc"), Permission::Read), Ok(Some("id=abc".to_owned())));
    assert_eq!(grant_header(&acl("abc"), Permission::Write), Ok(None));
}

proptest! {
    #[test]
    fn encoded_sources_are_plain_ascii(key in ".+") {
        let encoded = copy_source(&ObjectId::new("b", key.as_str()));
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
        let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap();
        prop_assert_eq!(decoded, format!("b/{key}"));
    }

    #[test]
    fn accepted_grant_headers_name_one_grantee_each(value in ".*") {
        if let Ok(Some(header)) = grant_header(&acl(&value), Permission::Read) {
            prop_assert_eq!(header.split(',').count(), 1);
            prop_assert_eq!(header, format!("id={value}"));
        }
    }
}
