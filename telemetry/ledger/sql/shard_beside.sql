-- Cut a table by project_id as another is cut: a project's rows of both lie on the same server.
SELECT create_distributed_table(to_regclass(quote_ident(%(table)s)), 'project_id', colocate_with => %(beside)s)
