use std::time::Duration;

use super::function::Function;
use super::*;

const ARN: &str = "arn:aws:lambda:eu-central-1:111122223333:function:resize";

fn url(arn: &str, server: Option<&str>) -> String {
    Function::parse(arn).unwrap().url(server)
}

#[test]
fn amazon_gets_the_arn_and_other_servers_name_and_version() {
    let at_amazon = "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/\
                     arn%3Aaws%3Alambda%3Aeu%2Dcentral%2D1%3A111122223333%3Afunction%3Aresize/invocations";
    assert_eq!(url(ARN, None), at_amazon);
    let china = url("arn:aws-cn:lambda:cn-north-1:111122223333:function:f:7", None);
    assert!(china.starts_with("https://lambda.cn-north-1.amazonaws.com.cn/2015-03-31/functions/"), "{china}");
    assert!(china.ends_with("function%3Af%3A7/invocations"), "{china}");
    let local = "http://127.0.0.1:3001/2015-03-31/functions/resize/invocations";
    assert_eq!(url(ARN, Some("http://127.0.0.1:3001/")), local);
    assert_eq!(
        url(&format!("{ARN}:$LATEST"), Some("http://127.0.0.1:3001")),
        format!("{local}?Qualifier=%24LATEST")
    );
}

#[test]
fn what_is_no_function() {
    for arn in
        ["", "resize", "arn:aws:s3:::b", "arn:aws:lambda:eu-central-1:1:layer:x", &format!("{ARN}:1:2")]
    {
        assert_eq!(Function::parse(arn), None, "{arn}");
    }
}

fn endpoint(name: &str, kind: EndpointKind) -> EndpointConfig {
    let (timeout, answer_bytes, rate) = (Duration::from_secs(1), 1024, RateLimits::default());
    EndpointConfig { name: name.to_owned(), kind, timeout, answer_bytes, rate, batching: None }
}

fn lambda(function: &str) -> EndpointKind {
    EndpointKind::Lambda { function: function.to_owned(), url: None, credentials: None }
}

fn call(endpoint: &str) -> InvokeEndpoint {
    InvokeEndpoint { endpoint: endpoint.to_owned(), body: Default::default() }
}

#[test]
fn the_permission_of_a_call_is_the_endpoints() {
    let url = "http://127.0.0.1:9/".to_owned();
    let hook = EndpointKind::Webhook { url, headers: Vec::new(), key: None };
    let endpoints = Endpoints::new(vec![endpoint("f", lambda(ARN)), endpoint("hook", hook)]).unwrap();
    let function = endpoints.access(&call("f")).unwrap();
    assert_eq!((function.action, function.resource.as_str()), ("lambda:InvokeFunction", ARN));
    let hook = endpoints.access(&call("hook")).unwrap();
    let resource = "arn:aws:longshore:::endpoint/hook";
    assert_eq!((hook.action, hook.resource.as_str()), ("longshore:InvokeEndpoint", resource));
    let keys = |access: &Access| access.context.keys().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keys(&hook).len(), 1, "{:?}", keys(&hook));
    assert_eq!(keys(&function).len(), 3, "{:?}", keys(&function));
    let unknown = endpoints.access(&call("hok")).unwrap_err();
    assert_eq!(unknown.to_string(), "InvalidRequest: longshore.toml has no endpoint \"hok\"");
}

#[test]
fn a_configuration_is_shown_without_its_secrets() {
    let kind = EndpointKind::Webhook {
        url: "https://example.com/geheim".to_owned(),
        headers: vec![("x-api-key".to_owned(), "geheim".to_owned())],
        key: Some(b"geheim".to_vec()),
    };
    let shown = format!("{:?}", endpoint("hook", kind));
    assert!(!shown.contains("geheim") && shown.contains("hook"), "{shown}");
    assert!(Endpoints::new(vec![endpoint("f", lambda("resize"))]).is_err());
}
