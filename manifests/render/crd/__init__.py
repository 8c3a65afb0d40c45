"""The custom resources (group akash.network, v2beta2): a lease's Manifest, a ProviderHost per host name, and a
ProviderLeasedIP per port on a leased address.

They are what survives a restart of the daemon, and what a daemon that takes over from the reference starts from: its
resources are read as they are, and ours are its with more fields (kubernetes.md §1.5).
"""

from manifests.render.crd.definitions import definitions as definitions
from manifests.render.crd.hosts import provider_hosts as provider_hosts
from manifests.render.crd.leased_ips import provider_leased_ips as provider_leased_ips
from manifests.render.crd.read import StoredManifest as StoredManifest
from manifests.render.crd.read import read_manifest as read_manifest
from manifests.render.crd.write import manifest_object as manifest_object
