"""The GraphQL connector: job type ``io.camunda:connector-graphql:1``."""

from __future__ import annotations

from coupler_graphql.connector import GraphQLConnector

__all__ = ["GraphQLConnector"]
