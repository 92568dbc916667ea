"""The kinds of operators that the chart uses, as closed JSON schemas: each field it writes, and no other.

Written by hand from what the chart renders, with the names of fields looked up in the operators' pages: CloudNativePG 1.30, Barman
Cloud plugin 0.14, KEDA 2.21, External Secrets 2, Prometheus operator. So they find a field that is misspelt later on; that an operator
takes the document is shown by its own definition, which `operators.py` asks for KEDA, External Secrets and the Prometheus operator.
There is no such package for CloudNativePG; its documents were held once, on 28 November 2026, against the definitions in the repositories
of the operator (1.30.0, `a95a534dbe0854495b863bbc1b7651f74d310916`) and of the plugin (`9967e2caabf20362a5ac5812fc320b25e1f43a2d`).
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 0}
YES: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def closed(required: str = "", **properties: Schema) -> Schema:
    """Describe an object that has these fields alone."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": {name.strip("_"): schema for name, schema in properties.items()},
    }


def every(schema: Schema) -> Schema:
    """Describe a list that is not empty."""
    return {"type": "array", "minItems": 1, "items": schema}


def one_of(*words: str) -> Schema:
    """Describe a word of these."""
    return {"enum": list(words)}


NAMED = closed("name", name=TEXT)
KEY = closed("name key", name=TEXT, key=TEXT)
ACCOUNT = closed("name", name=TEXT, audiences=every(TEXT))
PLUGIN = closed("name parameters", name=TEXT, isWALArchiver=YES, enabled=YES, parameters=TEXTS)
AMOUNTS = closed("requests limits", requests=TEXTS, limits=TEXTS)

CLUSTER = closed(
    "instances storage",
    instances={"type": "integer", "minimum": 1},
    imageName={"type": "string", "pattern": "^[^@]+:1[4-9][^@]*@sha256:[0-9a-f]{64}$"},
    primaryUpdateStrategy=one_of("unsupervised", "supervised"),
    enableSuperuserAccess=YES,
    enablePDB=YES,
    seccompProfile=closed("type", type=one_of("RuntimeDefault")),
    priorityClassName=TEXT,
    inheritedMetadata=closed(labels=TEXTS, annotations=TEXTS),
    serviceAccountTemplate=closed("metadata", metadata=closed(annotations=TEXTS, labels=TEXTS)),
    storage=closed("size", size=TEXT, storageClass=TEXT),
    walStorage=closed("size", size=TEXT, storageClass=TEXT),
    resources=AMOUNTS,
    affinity=closed(enablePodAntiAffinity=YES, topologyKey=TEXT, podAntiAffinityType=one_of("preferred", "required")),
    postgresql=closed(
        pg_hba=every(TEXT),
        parameters=TEXTS,
        synchronous=closed(
            "method number",
            method=one_of("any", "first"),
            number={"type": "integer", "minimum": 1},
            dataDurability=one_of("required", "preferred"),
        ),
    ),
    bootstrap={
        **closed(
            initdb=closed(
                "database owner", database=TEXT, owner=TEXT, secret=NAMED, postInitApplicationSQL=every(TEXT)
            ),
            recovery=closed(
                "source", source=TEXT, database=TEXT, owner=TEXT, secret=NAMED, recoveryTarget=closed(targetTime=TEXT)
            ),
        ),
        "minProperties": 1,
        "maxProperties": 1,
    },
    externalClusters=every(closed("name", name=TEXT, plugin=PLUGIN)),
    managed=closed(
        roles=every(
            closed(
                "name",
                name=TEXT,
                ensure=one_of("present", "absent"),
                login=YES,
                inherit=YES,
                inRoles=every(TEXT),
                passwordSecret=NAMED,
            )
        )
    ),
    plugins=every(PLUGIN),
)
SCHEDULED_BACKUP = closed(
    "schedule cluster",
    schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},
    immediate=YES,
    backupOwnerReference=one_of("none", "self", "cluster"),
    cluster=NAMED,
    method=one_of("barmanObjectStore", "volumeSnapshot", "plugin"),
    pluginConfiguration=NAMED,
)
OBJECT_STORE = closed(
    "configuration",
    retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
    configuration=closed(
        "destinationPath",
        destinationPath=TEXT,
        endpointURL=TEXT,
        s3Credentials=closed(inheritFromIAMRole=YES, accessKeyId=KEY, secretAccessKey=KEY),
        azureCredentials=closed(inheritFromAzureAD=YES),
        googleCredentials=closed(gkeEnvironment=YES),
        wal=closed(compression=one_of("gzip", "bzip2", "lz4", "snappy", "xz", "zstd")),
        data=closed(compression=one_of("gzip", "bzip2", "snappy")),
    ),
)
SCALED_OBJECT = closed(
    "scaleTargetRef triggers",
    scaleTargetRef=NAMED,
    minReplicaCount=NUMBER,
    maxReplicaCount=NUMBER,
    pollingInterval=NUMBER,
    cooldownPeriod=NUMBER,
    fallback=closed(
        "failureThreshold replicas",
        failureThreshold=NUMBER,
        replicas=NUMBER,
        behavior=one_of("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"),
    ),
    triggers=every(closed("type metadata", type=TEXT, metadata=TEXTS, authenticationRef=NAMED)),
)
TRIGGER_AUTHENTICATION = {
    **closed(
        secretTargetRef=every(closed("parameter name key", parameter=TEXT, name=TEXT, key=TEXT)),
        podIdentity=closed("provider", provider=one_of("aws", "azure-workload", "gcp"), identityId=TEXT, roleArn=TEXT),
    ),
    "minProperties": 1,
}
EXTERNAL_SECRET = closed(
    "secretStoreRef target data",
    refreshInterval=TEXT,
    secretStoreRef=closed("name kind", name=TEXT, kind=one_of("SecretStore", "ClusterSecretStore")),
    target=closed(
        "name",
        name=TEXT,
        creationPolicy=one_of("Owner", "Orphan", "Merge", "None"),
        template=closed(engineVersion=one_of("v2"), mergePolicy=one_of("Replace", "Merge"), type=TEXT, data=TEXTS),
    ),
    data=every(closed("secretKey remoteRef", secretKey=TEXT, remoteRef=closed("key", key=TEXT, property=TEXT))),
)
SECRET_STORE = closed(
    "provider",
    provider={
        **closed(
            vault=closed(
                "server path version auth",
                server=TEXT,
                path=TEXT,
                version=one_of("v1", "v2"),
                namespace=TEXT,
                auth=closed(
                    kubernetes=closed("mountPath role", mountPath=TEXT, role=TEXT, serviceAccountRef=ACCOUNT),
                    jwt=closed(
                        "path role",
                        path=TEXT,
                        role=TEXT,
                        kubernetesServiceAccountToken=closed(
                            "serviceAccountRef",
                            serviceAccountRef=NAMED,
                            audiences=every(TEXT),
                            expirationSeconds=NUMBER,
                        ),
                    ),
                ),
            ),
            azurekv=closed("vaultUrl", authType=one_of("WorkloadIdentity"), vaultUrl=TEXT, serviceAccountRef=ACCOUNT),
            aws=closed(
                "service region",
                service=one_of("SecretsManager", "ParameterStore"),
                region=TEXT,
                auth=closed(jwt=closed(serviceAccountRef=ACCOUNT)),
            ),
            gcpsm=closed(
                "projectID",
                projectID=TEXT,
                auth=closed(workloadIdentity=closed("serviceAccountRef", serviceAccountRef=ACCOUNT)),
            ),
        ),
        "minProperties": 1,
        "maxProperties": 1,
    },
)
POD_MONITOR = closed(
    "selector podMetricsEndpoints",
    selector=closed(
        matchLabels=TEXTS,
        matchExpressions=every(closed("key operator", key=TEXT, operator=one_of("In"), values=every(TEXT))),
    ),
    podMetricsEndpoints=every(
        closed(
            port=TEXT,
            path=TEXT,
            interval=TEXT,
            scrapeTimeout=TEXT,
            honorLabels=YES,
            relabelings=every(closed(sourceLabels=every(TEXT), targetLabel=TEXT)),
        )
    ),
)
PROMETHEUS_RULE = closed(
    "groups",
    groups=every(
        closed(
            "name rules",
            name=TEXT,
            rules=every(
                {
                    **closed("expr", alert=TEXT, record=TEXT, expr=TEXT, for_=TEXT, labels=TEXTS, annotations=TEXTS),
                    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                }
            ),
        )
    ),
)

KINDS: dict[tuple[str, str], Schema] = {
    ("postgresql.cnpg.io/v1", "Cluster"): CLUSTER,
    ("postgresql.cnpg.io/v1", "ScheduledBackup"): SCHEDULED_BACKUP,
    ("barmancloud.cnpg.io/v1", "ObjectStore"): OBJECT_STORE,
    ("keda.sh/v1alpha1", "ScaledObject"): SCALED_OBJECT,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): TRIGGER_AUTHENTICATION,
    ("external-secrets.io/v1", "ExternalSecret"): EXTERNAL_SECRET,
    ("external-secrets.io/v1", "SecretStore"): SECRET_STORE,
    ("monitoring.coreos.com/v1", "PodMonitor"): POD_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PROMETHEUS_RULE,
}


def problems(manifest: dict[str, Any]) -> Iterator[str]:
    """Give what the operator of this kind would not understand."""
    schema = KINDS[manifest["apiVersion"], manifest["kind"]]
    if set(manifest) != {"apiVersion", "kind", "metadata", "spec"}:
        yield f"{manifest['kind']}: has {sorted(manifest)}"
    for error in Draft202012Validator(schema).iter_errors(manifest["spec"]):
        at = ".".join(str(part) for part in error.absolute_path)
        yield f"{manifest['kind']} {manifest['metadata']['name']}: spec.{at}: {error.message}"
