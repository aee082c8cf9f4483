"""`python -m api`"""

import asyncio

from api.main import main

asyncio.run(main())
