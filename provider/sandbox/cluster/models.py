"""The shapes of the built-in kinds: what a provider renders or reads, field by field; the rest is kept as it comes.

Names of shapes follow the API reference. A field missing here is an unknown field to the stand-in, so additions
belong here first.
"""

from __future__ import annotations

from provider.sandbox.cluster.shapes import (
    ANY,
    BOOL,
    INT,
    INTSTR,
    PBOOL,
    PINT,
    PSTR,
    QUANTITY,
    STR,
    Shape,
    atom,
    by,
    listing,
    mapping,
    obj,
    unique,
)

_OWNER = obj(apiVersion=PSTR, kind=PSTR, name=PSTR, uid=PSTR, controller=PBOOL, blockOwnerDeletion=PBOOL)
METADATA = obj(
    name=STR,
    generateName=STR,
    namespace=STR,
    uid=STR,
    resourceVersion=STR,
    generation=INT,
    creationTimestamp=PSTR,
    deletionTimestamp=PSTR,
    deletionGracePeriodSeconds=PINT,
    selfLink=STR,
    labels=mapping(),
    annotations=mapping(),
    finalizers=unique(),
    ownerReferences=by("uid", item=_OWNER),
    managedFields=Shape("any", keep=True, atomic=True),
)


def _kind(**parts: Shape) -> Shape:
    return obj(apiVersion=STR, kind=STR, metadata=METADATA, **parts)


_REQUIREMENT = obj(key=PSTR, operator=PSTR, values=listing())
SELECTOR = atom(matchLabels=mapping(), matchExpressions=listing(_REQUIREMENT))
CONDITIONS = by("type", item=mapping(ANY))
_RESOURCES = obj(
    limits=mapping(QUANTITY), requests=mapping(QUANTITY), claims=by("name", item=obj(name=PSTR, request=STR))
)
_LOCAL = atom(name=STR)
_KEY_REF = atom(name=STR, key=PSTR, optional=PBOOL)
_ENV = obj(
    name=PSTR,
    value=STR,
    valueFrom=obj(
        fieldRef=atom(apiVersion=STR, fieldPath=PSTR),
        resourceFieldRef=atom(containerName=STR, resource=PSTR, divisor=QUANTITY),
        configMapKeyRef=_KEY_REF,
        secretKeyRef=_KEY_REF,
    ),
)
_PROBE = obj(
    exec_=obj(command=listing()),
    httpGet=obj(path=STR, port=INTSTR, host=STR, scheme=STR, httpHeaders=listing(obj(name=PSTR, value=PSTR))),
    tcpSocket=obj(port=INTSTR, host=STR),
    grpc=obj(port=PINT, service=PSTR),
    initialDelaySeconds=INT,
    timeoutSeconds=INT,
    periodSeconds=INT,
    successThreshold=INT,
    failureThreshold=INT,
    terminationGracePeriodSeconds=PINT,
)
_CONTAINER = obj(
    name=PSTR,
    image=STR,
    command=listing(),
    args=listing(),
    workingDir=STR,
    ports=by(
        "containerPort",
        "protocol",
        item=obj(name=STR, containerPort=PINT, hostPort=INT, hostIP=STR, protocol=STR),
        protocol="TCP",
    ),
    envFrom=listing(obj(prefix=STR, configMapRef=ANY, secretRef=ANY)),
    env=by("name", item=_ENV),
    resources=_RESOURCES,
    resizePolicy=listing(ANY),
    restartPolicy=STR,
    volumeMounts=by(
        "mountPath",
        item=obj(
            name=PSTR,
            mountPath=PSTR,
            subPath=STR,
            subPathExpr=STR,
            readOnly=BOOL,
            recursiveReadOnly=PSTR,
            mountPropagation=PSTR,
        ),
    ),
    volumeDevices=by("devicePath", item=obj(name=PSTR, devicePath=PSTR)),
    livenessProbe=_PROBE,
    readinessProbe=_PROBE,
    startupProbe=_PROBE,
    lifecycle=ANY,
    terminationMessagePath=STR,
    terminationMessagePolicy=STR,
    imagePullPolicy=STR,
    securityContext=obj(
        capabilities=obj(add=listing(), drop=listing()),
        privileged=PBOOL,
        runAsUser=PINT,
        runAsGroup=PINT,
        runAsNonRoot=PBOOL,
        readOnlyRootFilesystem=PBOOL,
        allowPrivilegeEscalation=PBOOL,
        procMount=PSTR,
        seccompProfile=ANY,
        seLinuxOptions=ANY,
        appArmorProfile=ANY,
        windowsOptions=ANY,
    ),
    stdin=BOOL,
    stdinOnce=BOOL,
    tty=BOOL,
)
_ITEMS = listing(obj(key=PSTR, path=PSTR, mode=PINT))
_VOLUME = obj(
    name=PSTR,
    emptyDir=obj(medium=STR, sizeLimit=QUANTITY),
    secret=obj(secretName=STR, items=_ITEMS, defaultMode=PINT, optional=PBOOL),
    configMap=obj(name=STR, items=_ITEMS, defaultMode=PINT, optional=PBOOL),
    persistentVolumeClaim=obj(claimName=PSTR, readOnly=BOOL),
    hostPath=obj(path=PSTR, type=PSTR),
    projected=obj(sources=listing(ANY), defaultMode=PINT),
    downwardAPI=ANY,
    csi=ANY,
    ephemeral=ANY,
    nfs=ANY,
    image=ANY,
)
_TERM = atom(matchExpressions=listing(_REQUIREMENT), matchFields=listing(_REQUIREMENT))
_AFFINITY = obj(
    nodeAffinity=obj(
        requiredDuringSchedulingIgnoredDuringExecution=atom(nodeSelectorTerms=listing(_TERM)),
        preferredDuringSchedulingIgnoredDuringExecution=listing(ANY),
    ),
    podAffinity=ANY,
    podAntiAffinity=ANY,
)
_TOLERATION = obj(key=STR, operator=STR, value=STR, effect=STR, tolerationSeconds=PINT)
POD_SPEC = obj(
    containers=by("name", item=_CONTAINER),
    initContainers=by("name", item=_CONTAINER),
    ephemeralContainers=by("name", item=ANY),
    volumes=by("name", item=_VOLUME),
    restartPolicy=STR,
    terminationGracePeriodSeconds=PINT,
    activeDeadlineSeconds=PINT,
    dnsPolicy=STR,
    dnsConfig=ANY,
    nodeSelector=mapping(atomic=True),
    serviceAccountName=STR,
    serviceAccount=STR,
    automountServiceAccountToken=PBOOL,
    nodeName=STR,
    hostNetwork=BOOL,
    hostPID=BOOL,
    hostIPC=BOOL,
    hostUsers=PBOOL,
    hostAliases=by("ip", item=ANY),
    shareProcessNamespace=PBOOL,
    securityContext=obj(
        runAsUser=PINT,
        runAsGroup=PINT,
        runAsNonRoot=PBOOL,
        fsGroup=PINT,
        fsGroupChangePolicy=PSTR,
        supplementalGroups=listing(PINT),
        seccompProfile=ANY,
        seLinuxOptions=ANY,
        appArmorProfile=ANY,
        sysctls=listing(ANY),
    ),
    imagePullSecrets=by("name", item=obj(name=STR), name=""),
    hostname=STR,
    subdomain=STR,
    affinity=_AFFINITY,
    schedulerName=STR,
    tolerations=listing(_TOLERATION),
    priorityClassName=STR,
    priority=PINT,
    preemptionPolicy=PSTR,
    readinessGates=listing(ANY),
    runtimeClassName=PSTR,
    enableServiceLinks=PBOOL,
    overhead=mapping(QUANTITY),
    topologySpreadConstraints=by("topologyKey", "whenUnsatisfiable", item=mapping(ANY)),
    setHostnameAsFQDN=PBOOL,
    os=ANY,
    schedulingGates=by("name", item=obj(name=PSTR)),
    resourceClaims=by("name", item=ANY),
    resources=_RESOURCES,
)
_TEMPLATE = obj(metadata=METADATA, spec=POD_SPEC)
_STATUS = Shape("object", {"conditions": CONDITIONS}, open=True, keep=True)
_POD_STATUS = Shape(
    "object", {"conditions": CONDITIONS, "podIPs": by("ip", item=ANY), "hostIPs": listing(ANY)}, open=True, keep=True
)
_CLAIM_SPEC = obj(
    accessModes=listing(),
    resources=obj(limits=mapping(QUANTITY), requests=mapping(QUANTITY)),
    selector=SELECTOR,
    storageClassName=PSTR,
    volumeName=STR,
    volumeMode=PSTR,
    volumeAttributesClassName=PSTR,
    dataSource=ANY,
    dataSourceRef=ANY,
)
_CLAIM = _kind(spec=_CLAIM_SPEC, status=_STATUS)


def _rules() -> Shape:
    return listing(
        obj(
            verbs=listing(),
            apiGroups=listing(),
            resources=listing(),
            resourceNames=listing(),
            nonResourceURLs=listing(),
        )
    )


_BINDING = _kind(
    subjects=listing(obj(kind=PSTR, apiGroup=STR, name=PSTR, namespace=STR)),
    roleRef=atom(apiGroup=PSTR, kind=PSTR, name=PSTR),
)
_PEER = obj(podSelector=SELECTOR, namespaceSelector=SELECTOR, ipBlock=obj(cidr=PSTR, except_=listing()))
_NETWORK_PORTS = listing(obj(protocol=PSTR, port=INTSTR, endPort=PINT))
_BACKEND = obj(
    service=obj(name=PSTR, port=atom(name=STR, number=INT)),
    resource=atom(apiGroup=PSTR, kind=PSTR, name=PSTR),
)
_PATHS = listing(obj(path=STR, pathType=PSTR, backend=_BACKEND))
_DEPLOYMENT_LIKE = {
    "replicas": PINT,
    "selector": SELECTOR,
    "template": _TEMPLATE,
    "minReadySeconds": INT,
    "revisionHistoryLimit": PINT,
}

NAMESPACE = _kind(spec=obj(finalizers=listing()), status=_STATUS)
NODE = _kind(
    spec=obj(
        podCIDR=STR,
        podCIDRs=unique(),
        providerID=STR,
        unschedulable=BOOL,
        taints=listing(obj(key=PSTR, value=STR, effect=PSTR, timeAdded=PSTR)),
    ),
    status=Shape(
        "object",
        {
            "capacity": mapping(QUANTITY),
            "allocatable": mapping(QUANTITY),
            "conditions": CONDITIONS,
            "addresses": by("type", item=obj(type=PSTR, address=PSTR)),
        },
        open=True,
        keep=True,
    ),
)
POD = _kind(spec=POD_SPEC, status=_POD_STATUS)
SERVICE = _kind(
    spec=obj(
        ports=by(
            "port",
            "protocol",
            item=obj(name=STR, protocol=STR, appProtocol=PSTR, port=PINT, targetPort=INTSTR, nodePort=INT),
            protocol="TCP",
        ),
        selector=mapping(atomic=True),
        clusterIP=STR,
        clusterIPs=listing(),
        type=STR,
        externalIPs=listing(),
        sessionAffinity=STR,
        sessionAffinityConfig=ANY,
        loadBalancerIP=STR,
        loadBalancerSourceRanges=listing(),
        loadBalancerClass=PSTR,
        externalName=STR,
        externalTrafficPolicy=STR,
        internalTrafficPolicy=PSTR,
        healthCheckNodePort=INT,
        publishNotReadyAddresses=BOOL,
        ipFamilies=listing(),
        ipFamilyPolicy=PSTR,
        allocateLoadBalancerNodePorts=PBOOL,
        trafficDistribution=PSTR,
    ),
    status=_STATUS,
)
CONFIG_MAP = _kind(data=mapping(), binaryData=mapping(), immutable=PBOOL)
SECRET = _kind(data=mapping(), stringData=mapping(), type=STR, immutable=PBOOL)
SERVICE_ACCOUNT = _kind(
    secrets=by("name", item=ANY), imagePullSecrets=listing(_LOCAL), automountServiceAccountToken=PBOOL
)
CLAIM = _kind(spec=_CLAIM_SPEC, status=_STATUS)
DEPLOYMENT = _kind(
    spec=obj(
        **_DEPLOYMENT_LIKE,
        strategy=obj(type=STR, rollingUpdate=obj(maxUnavailable=INTSTR, maxSurge=INTSTR)),
        paused=BOOL,
        progressDeadlineSeconds=PINT,
    ),
    status=_STATUS,
)
REPLICA_SET = _kind(spec=obj(replicas=PINT, minReadySeconds=INT, selector=SELECTOR, template=_TEMPLATE), status=_STATUS)
STATEFUL_SET = _kind(
    spec=obj(
        **_DEPLOYMENT_LIKE,
        volumeClaimTemplates=listing(_CLAIM),
        serviceName=STR,
        podManagementPolicy=STR,
        updateStrategy=obj(type=STR, rollingUpdate=obj(partition=PINT, maxUnavailable=INTSTR)),
        persistentVolumeClaimRetentionPolicy=obj(whenDeleted=STR, whenScaled=STR),
        ordinals=obj(start=PINT),
    ),
    status=_STATUS,
)
INGRESS = _kind(
    spec=obj(
        ingressClassName=PSTR,
        defaultBackend=_BACKEND,
        tls=listing(obj(hosts=listing(), secretName=STR)),
        rules=listing(obj(host=STR, http=obj(paths=_PATHS))),
    ),
    status=_STATUS,
)
NETWORK_POLICY = _kind(
    spec=obj(
        podSelector=SELECTOR,
        policyTypes=listing(),
        ingress=listing(obj(**{"from": listing(_PEER), "ports": _NETWORK_PORTS})),
        egress=listing(obj(to=listing(_PEER), ports=_NETWORK_PORTS)),
    )
)
ROLE = _kind(rules=_rules())
CLUSTER_ROLE = _kind(rules=_rules(), aggregationRule=ANY)
BINDING = _BINDING
# For kinds the provider only reads, or hardly touches: top-level fields are kept, lists are replaced whole.
LOOSE = Shape(
    "object",
    {"apiVersion": STR, "kind": STR, "metadata": METADATA, "status": _STATUS},
    open=True,
    keep=True,
)
