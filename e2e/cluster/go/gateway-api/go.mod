module akash-provider.invalid/e2e/gateway-api

go 1.25

require sigs.k8s.io/gateway-api v1.4.0
