"""Lets Alembic work on the connection that the program gave it.

There is no alembic.ini and no command line: mailvault migrates its catalog when it opens
it, see `mailvault.archive.catalog.schema`.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
