-- {runtime} is the role of runtimes
GRANT USAGE ON SCHEMA imp TO {runtime};
GRANT SELECT ON imp.schema_version, imp.artifacts, imp.vendors, imp.functions TO {runtime};
GRANT SELECT, INSERT, UPDATE, DELETE ON imp.instances, imp.acks TO {runtime};
GRANT INSERT ON imp.logs TO {runtime};
