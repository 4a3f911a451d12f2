"""A function as teams have it for S3 Batch Operations, invocation schema 1.0: it knows nothing of Longshore."""

import logging
from urllib import parse

import boto3
from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

s3 = boto3.client("s3")


def lambda_handler(event, context):
    """Marks the current version of the object that the task names."""
    invocation_id = event["invocationId"]
    invocation_schema_version = event["invocationSchemaVersion"]

    results = []
    result_code = None
    result_string = None

    task = event["tasks"][0]
    task_id = task["taskId"]

    try:
        obj_key = parse.unquote(task["s3Key"], encoding="utf-8")
        bucket_name = task["s3BucketArn"].split(":")[-1]

        logger.info("Got task: mark object %s of bucket %s.", obj_key, bucket_name)

        try:
            size = s3.head_object(Bucket=bucket_name, Key=obj_key)["ContentLength"]
            s3.put_object_tagging(
                Bucket=bucket_name, Key=obj_key, Tagging={"TagSet": [{"Key": "size", "Value": str(size)}]})
            result_code = "Succeeded"
            result_string = f"Marked with {size} bytes."
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                result_code = "PermanentFailure"
                result_string = f"Object {obj_key} not found"
            elif error.response["Error"]["Code"] == "RequestTimeout":
                result_code = "TemporaryFailure"
                result_string = "Attempt to mark timed out."
            else:
                raise
    except Exception as error:
        # Mark all other exceptions as permanent failures.
        result_code = "PermanentFailure"
        result_string = str(error)
        logger.exception(error)
    finally:
        results.append({"taskId": task_id, "resultCode": result_code, "resultString": result_string})
    return {
        "invocationSchemaVersion": invocation_schema_version,
        "treatMissingKeysAs": "PermanentFailure",
        "invocationId": invocation_id,
        "results": results,
    }
